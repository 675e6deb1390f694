//! The rules of ARCHITECTURE.md and CONTRIBUTING.md that no compiler checks, read off the files themselves. Each test
//! names every place that breaks its rule.

mod graph;
mod links;
mod source;
mod tree;

use std::fs;
use std::path::{Path, PathBuf};

/// What is not ours, or not text.
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

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every text file below `folder` whose name ends with `suffix`, sorted.
fn sources(folder: &str, suffix: &str) -> Vec<Source> {
    let mut found = Vec::new();
    collect(&root().join(folder), folder, suffix, &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(!found.is_empty(), "there is no *{suffix} in {folder}/");
    found
}

fn collect(folder: &Path, path: &str, suffix: &str, found: &mut Vec<Source>) {
    for name in names(folder)
        .into_iter()
        .filter(|name| !SKIPPED.contains(&name.as_str()))
    {
        let (file, path) = (
            folder.join(&name),
            format!("{path}/{name}").trim_start_matches('/').to_owned(),
        );
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

fn names(folder: &Path) -> Vec<String> {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries
        .map(|entry| {
            entry
                .expect("a readable entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect()
}

impl Source {
    /// A file that only tests are made of.
    fn is_test(&self) -> bool {
        let parts: Vec<&str> = self.path.trim_end_matches(".rs").split('/').collect();
        parts
            .iter()
            .any(|part| *part == "tests" || part.ends_with("_test"))
    }

    /// The lines that are compiled into the product, numbered from 1: without comments and unit tests.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let product = self
            .text
            .split("#[cfg(test)]\nmod tests {")
            .next()
            .unwrap_or_default();
        let lines = if self.is_test() { "" } else { product }.lines();
        lines
            .enumerate()
            .map(|(index, line)| (index + 1, line.split("//").next().unwrap_or_default()))
    }

    /// `path:line` of the product's lines that break a rule.
    fn places(&self, breaks: impl Fn(&str) -> bool) -> Vec<String> {
        let broken = self.code().filter(|(_, line)| breaks(line));
        broken
            .map(|(number, line)| format!("{}:{number}: {}", self.path, line.trim()))
            .collect()
    }
}

/// Whether `text` holds `word` and not as a part of a longer one.
fn has_word(text: &str, word: &str) -> bool {
    let is_part = |letter: Option<char>| {
        letter.is_some_and(|letter| letter.is_alphanumeric() || letter == '_')
    };
    text.match_indices(word).any(|(at, _)| {
        !is_part(text[..at].chars().next_back()) && !is_part(text[at + word.len()..].chars().next())
    })
}

/// Fails with the rule and every place that breaks it.
fn check(rule: &str, broken: Vec<String>) {
    assert!(broken.is_empty(), "{rule}:\n  {}", broken.join("\n  "));
}
