//! The page on attacks and the attacks are the same list: each attack, and each file of the siege, stands in one row, and
//! each row names tests that exist.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::attacks;
use crate::harness::repository;
use crate::siege;

/// Names in the column "shown by", with the number of rows that have them.
fn shown_by() -> BTreeMap<String, usize> {
    let page = fs::read_to_string(repository("docs/attacks.md")).expect("the page is there");
    let mut rows_with = BTreeMap::new();
    for row in page.lines().filter(|line| line.starts_with("| ")) {
        let tests = row.rsplit('|').nth(1).unwrap_or_default();
        for name in tests.split('`').skip(1).step_by(2) {
            *rows_with.entry(name.to_owned()).or_default() += 1;
        }
    }
    rows_with
}

/// Names of all attacks and of the files of the siege.
fn names() -> impl Iterator<Item = &'static str> {
    let attacks = attacks().into_iter().map(|attack| attack.name);
    attacks.chain(siege::names())
}

/// Names of the functions in every source below a folder.
fn functions(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            functions(&path, names);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("a source is text");
            let declared = text.split("fn ").skip(1);
            names.extend(declared.filter_map(|rest| Some(rest.split_once('(')?.0.to_owned())));
        }
    }
}

#[test]
fn every_attack_stands_in_one_row() {
    let rows_with = shown_by();
    let names: Vec<&str> = names().collect();
    assert!(names.len() >= 160, "{} attacks", names.len());
    for name in names {
        let rows = rows_with.get(name).copied();
        assert_eq!(rows, Some(1), "rows of docs/attacks.md with `{name}`");
    }
}

#[test]
fn every_row_names_tests_that_exist() {
    let mut names: BTreeSet<String> = names().map(str::to_owned).collect();
    functions(&repository("tests/it"), &mut names);
    functions(&repository("host/plugin/src"), &mut names);
    let rows_with = shown_by();
    assert!(rows_with.len() > 100, "the page has its tables");
    for name in rows_with.keys() {
        assert!(
            names.contains(name),
            "docs/attacks.md names `{name}`, which is no test"
        );
    }
}
