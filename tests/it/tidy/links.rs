//! Links between our pages lead somewhere.

use std::fs;

use super::{Source, check, sources};
use crate::harness::repository;

#[test]
fn links_between_pages_resolve() {
    check(
        "broken links",
        sources("", ".md").iter().flat_map(broken_links).collect(),
    );
}

fn broken_links(page: &Source) -> Vec<String> {
    let text = without_code(&page.text);
    let targets = text
        .split("](")
        .skip(1)
        .filter_map(|rest| Some(rest.split_once(')')?.0));
    let ours = targets.filter(|target| !target.contains("://"));
    ours.filter(|target| !resolves(page, target))
        .map(|target| format!("{}: {target}", page.path))
        .collect()
}

fn resolves(page: &Source, target: &str) -> bool {
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let at = repository("").join(&page.path);
    let at = if file.is_empty() {
        at
    } else {
        at.with_file_name("").join(file)
    };
    at.exists()
        && (anchor.is_empty()
            || anchors(&fs::read_to_string(at).unwrap_or_default()).contains(&anchor.to_owned()))
}

/// Anchors of a page's headings, as GitHub makes them.
fn anchors(text: &str) -> Vec<String> {
    let plain = without_blocks(text);
    let headings = plain
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| line.trim_start_matches('#').trim());
    let letters = |heading: &str| -> String {
        let kept = heading
            .chars()
            .filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
        kept.collect::<String>().to_lowercase().replace(' ', "-")
    };
    headings.map(letters).collect()
}

fn without_blocks(text: &str) -> String {
    text.split("\n```")
        .step_by(2)
        .collect::<Vec<_>>()
        .join("\n")
}

fn without_code(text: &str) -> String {
    without_blocks(text).split('`').step_by(2).collect()
}
