//! The table of behaviors and languages in `plugins/sdk/languages.md`, between its two marks. It is made of what the guests
//! did; `INSTA_UPDATE=always` writes it.

use super::Outcome;
use super::guests::LANGUAGES;
use super::rows::{ROWS, judge, reason};
use crate::harness::repository;

const PAGE: &str = "plugins/sdk/languages.md";
const MARKS: [&str; 2] = ["<!-- matrix -->\n", "<!-- end of matrix -->\n"];

/// Fails if a language does not do what is due, or if the page has another table.
pub(super) fn check(outcomes: &[Vec<Outcome>]) {
    for (language, outcomes) in LANGUAGES.iter().zip(outcomes) {
        judge(language.name, outcomes);
    }
    let table = made(outcomes);
    println!("{table}");
    let path = repository(PAGE);
    let page = std::fs::read_to_string(&path).expect("the page is there");
    let (before, rest) = page.split_once(MARKS[0]).expect("it has the first mark");
    let (found, after) = rest.split_once(MARKS[1]).expect("it has the last mark");
    if found == table {
        return;
    }
    if std::env::var_os("INSTA_UPDATE").is_some_and(|value| value == "always") {
        let page = [before, MARKS[0], &table, MARKS[1], after].concat();
        return std::fs::write(path, page).expect("the page can be written");
    }
    panic!("the table of {PAGE} should be, as `INSTA_UPDATE=always` writes it:\n{table}");
}

/// The table, and the reasons below it in the order of their numbers.
fn made(outcomes: &[Vec<Outcome>]) -> String {
    let mut reasons: Vec<&'static str> = Vec::new();
    let titles: Vec<&str> = LANGUAGES.iter().map(|language| language.title).collect();
    let mut table = format!(
        "| | {} |\n|{}\n",
        titles.join(" | "),
        " --- |".repeat(titles.len() + 1)
    );
    for (index, row) in ROWS.iter().enumerate() {
        let cells: Vec<String> = LANGUAGES
            .iter()
            .zip(outcomes)
            .map(|(language, outcomes)| match &outcomes[index] {
                Ok(()) => "ok".to_owned(),
                Err(_) => numbered(&mut reasons, reason(language.name, row.task).unwrap_or("?")),
            })
            .collect();
        table += &format!("| {} | {} |\n", row.behavior, cells.join(" | "));
    }
    table.push('\n');
    for (index, reason) in reasons.iter().enumerate() {
        table += &format!("{}. {reason}\n", index + 1);
    }
    table
}

/// The number of a reason, which is new or not.
fn numbered(reasons: &mut Vec<&'static str>, reason: &'static str) -> String {
    let known = reasons.iter().position(|known| *known == reason);
    let place = known.unwrap_or_else(|| {
        reasons.push(reason);
        reasons.len() - 1
    });
    format!("({})", place + 1)
}
