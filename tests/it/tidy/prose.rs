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

/// The first words of sentences that make a reader look for their subject.
const OPENINGS: [&str; 11] = [
    "What ",
    "Whether ",
    "Who ",
    "Whoever ",
    "Whatever ",
    "Of ",
    "How far ",
    "The same",
    "The reverse",
    "As of ",
    "Whose ",
];

#[test]
fn doc_comments_open_with_a_noun_or_a_verb() {
    check(
        "doc comments whose first words keep the reader waiting for a subject",
        rust()
            .flat_map(|source| strange_openings(&source))
            .collect(),
    );
}

/// First lines of the doc comments that open with one of `OPENINGS`.
fn strange_openings(source: &Source) -> Vec<String> {
    let mut before = "";
    let mut found = Vec::new();
    for (index, line) in source.text.lines().enumerate() {
        let mark = ["///", "//!"]
            .into_iter()
            .find(|mark| line.trim_start().starts_with(mark));
        let mark = mark.unwrap_or_default();
        let words = line.trim_start().trim_start_matches(mark).trim_start();
        let is_first = !mark.is_empty() && mark != before;
        if is_first && OPENINGS.iter().any(|opening| words.starts_with(opening)) {
            found.push(source.place(index, line));
        }
        before = mark;
    }
    found
}

/// Beginnings of words that are written otherwise in American English. In two halves, or this file would break its own
/// rule.
const BRITISH: &[&str] = &[
    concat!("behav", "iour"),
    concat!("col", "our"),
    concat!("fav", "our"),
    concat!("neighb", "our"),
    concat!("normal", "is"),
    concat!("initial", "is"),
    concat!("serial", "is"),
    concat!("summar", "is"),
    concat!("recogn", "is"),
    concat!("organ", "is"),
    concat!("optimis", "e"),
    concat!("minimis", "e"),
    concat!("maximis", "e"),
    concat!("synchron", "is"),
    concat!("util", "is"),
    concat!("lic", "ence"),
    concat!("cent", "re"),
    concat!("analy", "se"),
    concat!("catal", "ogue"),
    concat!("art", "efact"),
    concat!("cancel", "led"),
    concat!("label", "led"),
    concat!("model", "led"),
    concat!("model", "ling"),
    concat!("misspe", "lt"),
    concat!("judge", "ment"),
];

#[test]
fn spelling_is_american() {
    let is_british = |line: &str| {
        let line = line.to_lowercase();
        BRITISH.iter().any(|word| line.contains(word))
    };
    let ours = sources("", "").into_iter().filter(|source| {
        let name = source.path.rsplit('/').next().unwrap_or_default();
        !name.starts_with("LICENSE")
    });
    check(
        "British spelling",
        ours.flat_map(|source| lines_that(&source, is_british))
            .collect(),
    );
}

/// Sources that may read the environment: for folders of the user, and an author's for those of compilers.
const READ_IT: [&str; 2] = [
    "host/phasebox/src/assemble/folders.rs",
    "host/author/src/folders.rs",
];

#[test]
fn the_environment_decides_nothing() {
    let mut sources = all_host_sources();
    sources.retain(|source| {
        !READ_IT.contains(&source.path.as_str()) && !source.path.starts_with("host/xtask/")
    });
    let broken = sources
        .iter()
        .flat_map(|source| source.places(|line| line.contains("env::var")))
        .collect();
    check("environment variables are read in READ_IT alone", broken);
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
/// The one reason for a test that waits to be asked for, by `cargo xtask test --cuda`.
const NEEDS_A_GPU: &str = "needs a CUDA device";

#[test]
fn texts_name_no_machine_and_nothing_unfinished() {
    let is_strange = |line: &str| {
        STRANGERS.iter().any(|text| line.contains(text))
            || UNFINISHED.iter().any(|text| has_word(line, text))
            || line.contains(SKIPPED_TEST) && !line.contains(NEEDS_A_GPU)
    };
    check(
        "hosts of registries, paths of a machine, unfinished work",
        sources("", "")
            .iter()
            .flat_map(|source| lines_that(source, is_strange))
            .collect(),
    );
}
