//! Embeds the contract and the SDKs, so that the program writes projects without this repository.

use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../..");
    let mut code = String::new();
    for (name, folder) in [("CONTRACT", "wit"), ("SDKS", "plugins/sdk")] {
        writeln!(code, "pub(crate) const {name}: &[(&str, &str)] = &[")?;
        let folder = root.join(folder).canonicalize()?;
        println!("cargo::rerun-if-changed={}", folder.display());
        for path in files(&folder)? {
            let shown = path.strip_prefix(&folder)?.to_str().ok_or("not UTF-8")?;
            writeln!(code, "({shown:?}, include_str!({path:?})),")?;
        }
        writeln!(code, "];")?;
    }
    let output = Path::new(&env::var("OUT_DIR")?).join("embedded.rs");
    Ok(fs::write(output, code)?)
}

/// All files below a folder, in the order of their names.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let entries = fs::read_dir(folder)?.map(|entry| Ok(entry?.path()));
    let mut paths = entries.collect::<Result<Vec<PathBuf>, std::io::Error>>()?;
    paths.retain(|path| {
        !["target", "__pycache__", "wit"]
            .iter()
            .any(|name| path.ends_with(name))
    });
    paths.sort();
    let mut found = Vec::new();
    for path in paths {
        match path.is_dir() {
            true => found.extend(files(&path)?),
            false => found.push(path),
        }
    }
    Ok(found)
}
