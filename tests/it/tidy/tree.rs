//! The README's tree is the tree.

use std::collections::BTreeSet;
use std::fs;

use super::{SKIPPED, names};
use crate::harness::repository;

#[test]
fn the_readme_lists_what_is_there() {
    for (heading, folder) in [
        ("## The tree\n", ""),
        ("### `host`\n", "host"),
        ("### `plugins`\n", "plugins"),
    ] {
        check(heading, folder);
    }
}

/// Files whose name begins with a dot may be listed; all others must be.
fn check(heading: &str, folder: &str) {
    let readme = fs::read_to_string(repository("").join("README.md")).expect("there is a README");
    let (_, section) = readme
        .split_once(heading)
        .expect("the README has the heading");
    let block = section
        .split("```")
        .nth(1)
        .expect("a block under the heading");
    let listed: BTreeSet<String> = block.lines().skip(1).filter_map(first_word).collect();
    let there: BTreeSet<String> = names(&repository("").join(folder))
        .into_iter()
        .filter(|name| name == "Cargo.lock" || !SKIPPED.contains(&name.as_str()))
        .filter(|name| !name.starts_with('.') || listed.contains(name))
        .collect();
    let missing: Vec<&String> = there.difference(&listed).collect();
    let gone: Vec<&String> = listed.difference(&there).collect();
    let place = heading.trim();
    assert!(
        missing.is_empty() && gone.is_empty(),
        "README.md, {place}: not listed {missing:?}, not there {gone:?}"
    );
}

fn first_word(line: &str) -> Option<String> {
    Some(
        line.split_whitespace()
            .next()?
            .trim_end_matches('/')
            .to_owned(),
    )
}
