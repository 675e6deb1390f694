//! How comments and documents are written.

use super::code::has_word;
use super::{Source, all_host_sources, check, sources};

fn rust() -> impl Iterator<Item = Source> {
    ["host", "plugins", "tests"]
        .into_iter()
        .flat_map(|folder| sources(folder, ".rs"))
}

/// `path:line: text` of every line of a text that breaks a rule.
fn lines_that(source: &Source, breaks: impl Fn(&str) -> bool) -> Vec<String> {
    let lines = source.text.lines().enumerate();
    lines
        .filter(|(_, line)| breaks(line))
        .map(|(index, line)| source.place(index, line))
        .collect()
}

#[test]
fn modules_say_what_they_own() {
    // A test's file that another one takes in with `include!` can say it only in plain comments.
    let says = |source: &Source| {
        source.text.starts_with("//!")
            || source.path.starts_with("tests/") && source.text.starts_with("// ")
    };
    let broken = rust()
        .filter(|source| !says(source))
        .map(|source| source.path)
        .collect();
    check("files that do not open with //!", broken);
}

/// The one source that may read the environment, for the folder of the cache.
const READS_IT: &str = "host/phasebox/src/assemble/process_cache.rs";

#[test]
fn the_environment_decides_nothing() {
    let mut sources = all_host_sources();
    sources.retain(|source| source.path != READS_IT && !source.path.starts_with("host/xtask/"));
    let broken = sources
        .iter()
        .flat_map(|source| source.places(|line| line.contains("env::var")))
        .collect();
    check("environment variables are read in READS_IT alone", broken);
}

/// In two halves, or this file would break its own rules.
const STRANGERS: &[&str] = &[
    concat!("crates", ".io"),
    concat!("pypi", ".org"),
    concat!("pythonhosted", ".org"),
    concat!("npmjs", ".org"),
    concat!("npmjs", ".com"),
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("/wo", "rk/"),
    concat!("/Us", "ers/"),
];
const UNFINISHED: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
];
const SKIPPED_TEST: &str = concat!("#[ig", "nore");

#[test]
fn texts_name_no_machine_and_nothing_unfinished() {
    let is_strange = |line: &str| {
        STRANGERS.iter().any(|text| line.contains(text))
            || UNFINISHED.iter().any(|text| has_word(line, text))
            || line.contains(SKIPPED_TEST)
    };
    check(
        "hosts of registries, paths of a machine, unfinished work",
        sources("", "")
            .iter()
            .flat_map(|source| lines_that(source, is_strange))
            .collect(),
    );
}
