//! The packages of this workspace, as cargo lists them. Knows no package by name.

use std::path::{Path, PathBuf};

use anyhow::Result;
use serde_json::Value;

use crate::command::output;
use crate::paths::Paths;

/// Cargo's list of the workspace's packages.
pub(crate) struct Workspace {
    clone: PathBuf,
    metadata: Value,
}

impl Workspace {
    /// Asks cargo.
    pub(crate) fn read(paths: &Paths) -> Result<Self> {
        let mut cargo = paths.cargo(&["metadata", "--no-deps", "--format-version=1"]);
        let printed = output(&mut cargo, "repair Cargo.toml")?;
        Ok(Self {
            clone: paths.clone.clone(),
            metadata: serde_json::from_str(&printed)?,
        })
    }

    /// The names of all packages below a folder of the clone.
    pub(crate) fn packages(&self, folder: &str) -> Vec<&str> {
        self.below(folder).filter_map(name).collect()
    }

    /// The names of the callbacks below a folder of the clone: the packages that are a `cdylib`.
    pub(crate) fn callbacks(&self, folder: &str) -> Vec<&str> {
        let packages = self.below(folder);
        packages
            .filter(|package| is_callback(package))
            .filter_map(name)
            .collect()
    }

    fn below(&self, folder: &str) -> impl Iterator<Item = &Value> {
        let folder = self.clone.join(folder);
        let packages = list(&self.metadata["packages"]);
        packages.filter(move |package| manifest(package).starts_with(&folder))
    }
}

fn manifest(package: &Value) -> &Path {
    Path::new(package["manifest_path"].as_str().unwrap_or_default())
}

fn name(package: &Value) -> Option<&str> {
    package["name"].as_str()
}

fn is_callback(package: &Value) -> bool {
    list(&package["targets"])
        .any(|target| list(&target["crate_types"]).any(|kind| kind == "cdylib"))
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn package(name: &str, folder: &str, kind: &str) -> Value {
        let manifest = format!("/clone/{folder}/Cargo.toml");
        json!({ "name": name, "manifest_path": manifest, "targets": [{ "crate_types": [kind] }] })
    }

    #[test]
    fn callbacks_are_the_cdylibs_of_a_folder() {
        let packages = [
            package("phasebox", "host/phasebox", "lib"),
            package("ema", "plugins/ema", "cdylib"),
            package("phasebox-sdk", "plugins/sdk/rust", "lib"),
            package(
                "phasebox-sdk-macros",
                "plugins/sdk/rust/macros",
                "proc-macro",
            ),
            package("memory-hog", "tests/guests/memory-hog", "cdylib"),
        ];
        let workspace = Workspace {
            clone: PathBuf::from("/clone"),
            metadata: json!({ "packages": packages }),
        };
        assert_eq!(workspace.callbacks("plugins"), ["ema"]);
        assert_eq!(workspace.callbacks("tests"), ["memory-hog"]);
        assert!(workspace.callbacks("host").is_empty());
        assert_eq!(workspace.packages("host"), ["phasebox"]);
        assert_eq!(workspace.packages("plugins").len(), 3);
    }
}
