//! The rules of ARCHITECTURE.md and CONTRIBUTING.md that no compiler checks, read off the files themselves. Each test
//! names every place that breaks its rule.
//!
//! | file | checks |
//! |---|---|
//! | `code` | nothing: it reads Rust without strings and comments, for the others |
//! | `crates` | which crate may know which, and where unsafe code and C++ are |
//! | `exports` | that crates export only what others use |
//! | `fallible` | that the plugin host calls only those forms of libtorch that give errors |
//! | `measure` | how long files, functions and lines are |
//! | `prose` | how comments and documents are written |
//! | `links`, `tree` | that links lead somewhere, and that the README's tree is the tree |

mod code;
mod crates;
mod exports;
mod fallible;
mod links;
mod measure;
mod prose;
mod tree;

use std::fs;
use std::path::{Path, PathBuf};

use crate::harness::repository;

/// Names of files and folders that are not ours, or not text.
const SKIPPED: [&str; 6] = [
    ".git",
    "target",
    "runs",
    "node_modules",
    "__pycache__",
    "Cargo.lock",
];

/// A text file of this repository.
struct Source {
    /// From the root, with `/`.
    path: String,
    text: String,
}

/// Every text file below `folder` whose name ends with `suffix`, sorted; at least one.
fn sources(folder: &str, suffix: &str) -> Vec<Source> {
    let found = all_sources(folder, suffix);
    assert!(!found.is_empty(), "there is no *{suffix} in {folder}/");
    found
}

/// [`sources`], of which there may be none.
fn all_sources(folder: &str, suffix: &str) -> Vec<Source> {
    let mut found = Vec::new();
    collect(&repository(folder), folder, suffix, &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn collect(folder: &Path, path: &str, suffix: &str, found: &mut Vec<Source>) {
    for name in names(folder) {
        if SKIPPED.contains(&name.as_str()) {
            continue;
        }
        let file = folder.join(&name);
        let path = format!("{path}/{name}").trim_start_matches('/').to_owned();
        if file.is_symlink() {
            continue;
        } else if file.is_dir() {
            collect(&file, &path, suffix, found);
        } else if name.ends_with(suffix)
            && let Ok(text) = fs::read_to_string(&file)
        {
            found.push(Source { path, text });
        }
    }
}

/// Names of what lies in a folder.
fn names(folder: &Path) -> Vec<String> {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries
        .map(|entry| entry.expect("a readable entry").file_name())
        .map(|name| name.to_string_lossy().into_owned())
        .collect()
}

/// The folders of the host's crates, by name.
fn host_crates() -> Vec<String> {
    let mut crates = names(&repository("host"));
    crates.retain(|name| manifest(name).exists());
    crates.sort();
    crates
}

fn manifest(host_crate: &str) -> PathBuf {
    repository("host").join(host_crate).join("Cargo.toml")
}

/// The sources that a crate of the host is built from.
fn host_sources(host_crate: &str) -> Vec<Source> {
    sources(&format!("host/{host_crate}/src"), ".rs")
}

/// The sources of all crates of the host.
fn all_host_sources() -> Vec<Source> {
    host_crates()
        .iter()
        .flat_map(|name| host_sources(name))
        .collect()
}

impl Source {
    /// Tells files that only tests are made of.
    fn is_test(&self) -> bool {
        let mut names = self.path.trim_end_matches(".rs").split('/');
        names.any(|name| name == "tests" || name.ends_with("_test"))
    }

    /// The text without unit tests, strings and comments: the code of the product. Lines keep their numbers.
    fn code(&self) -> String {
        let product = self.text.split("#[cfg(test)]\nmod tests {").next();
        let product = product.filter(|_| !self.is_test());
        code::bare(product.unwrap_or_default())
    }

    /// `path:line: text` of the product's lines that break a rule.
    fn places(&self, breaks: impl Fn(&str) -> bool) -> Vec<String> {
        let code = self.code();
        let broken = code.lines().enumerate().filter(|(_, line)| breaks(line));
        broken
            .map(|(index, line)| self.place(index, line))
            .collect()
    }

    fn place(&self, index: usize, line: &str) -> String {
        format!("{}:{}: {}", self.path, index + 1, line.trim())
    }
}

/// Fails with the rule and every place that breaks it.
fn check(rule: &str, broken: Vec<String>) {
    assert!(broken.is_empty(), "{rule}:\n  {}", broken.join("\n  "));
}
