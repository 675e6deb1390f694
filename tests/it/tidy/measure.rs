//! How long files, functions and lines are. Lines are measured without comments and with strings emptied: an error's
//! text may be as long as it must.

use std::fmt::Write as _;

use super::code::{end_of_block, is_of_word, words};
use super::{Source, all_host_sources, check, host_crates, host_sources, sources};

/// Lines of a file, comments included. A longer file stands in `LONGER` with its reason.
const MAX_FILE: usize = 500;
const LONGER: &[(&str, &str)] = &[
    ("host/plugin/src/host/phase_context.rs", ONE_TRAIT),
    ("host/plugin/src/host/tensor.rs", ONE_TRAIT),
];
const ONE_TRAIT: &str =
    "one implementation of one trait, with a function for each of the contract's";

/// Lines of a function: half of all have no more than the first number, none has more than the second.
const MEDIAN_FUNCTION: usize = 10;
const MAX_FUNCTION: usize = 50;
/// Characters of a line that nine in ten do not pass.
const LINE: usize = 65;
/// Closures with a name, for a thousand lines: a small function reads better.
const NAMED_CLOSURES: f64 = 3.0;

#[test]
fn files_are_short_or_say_why_not() {
    let mut broken = Vec::new();
    for folder in ["host", "plugins", "tests"] {
        for Source { path, text } in sources(folder, ".rs") {
            let is_long = text.lines().count() > MAX_FILE;
            let may_be_long = LONGER.iter().any(|(longer, _)| *longer == path);
            if is_long != may_be_long {
                broken.push(path);
            }
        }
    }
    check(
        "files over 500 lines that are not in LONGER, or no longer are",
        broken,
    );
}

/// Lengths in the code of some files.
#[derive(Default)]
struct Measures {
    lines: Vec<usize>,
    functions: Vec<(usize, String)>,
    named_closures: usize,
}

impl Measures {
    fn of(sources: &[Source]) -> Measures {
        let mut measures = Measures::default();
        for source in sources {
            measures.add(&source.path, &source.code());
        }
        measures.lines.sort_unstable();
        measures.functions.sort();
        measures
    }

    fn add(&mut self, path: &str, code: &str) {
        let lines = code.lines().map(str::trim_end);
        let filled = lines.filter(|line| !line.is_empty());
        self.lines.extend(filled.map(|line| line.chars().count()));
        self.named_closures += named_closures(code);
        for (name, lines) in functions(code) {
            self.functions.push((lines, format!("{path}: {name}")));
        }
    }

    fn long_line(&self) -> usize {
        self.lines
            .get(self.lines.len() * 9 / 10)
            .copied()
            .unwrap_or(0)
    }

    fn closures_per_thousand(&self) -> f64 {
        1000.0 * self.named_closures as f64 / self.lines.len().max(1) as f64
    }

    fn median_function(&self) -> usize {
        self.functions
            .get(self.functions.len() / 2)
            .map_or(0, |(lines, _)| *lines)
    }

    fn longest_function(&self) -> (usize, &str) {
        self.functions
            .last()
            .map_or((0, ""), |(lines, name)| (*lines, name.as_str()))
    }

    fn row(&self, name: &str) -> String {
        let (longest, place) = self.longest_function();
        format!(
            "{name:10} {:6} lines, 9 in 10 up to {:3} characters, {:4.1} named closures in 1000, \
             functions of {:2} lines at the median and {longest:3} at most ({place})\n",
            self.lines.len(),
            self.long_line(),
            self.closures_per_thousand(),
            self.median_function(),
        )
    }
}

/// The number of `let name = |…|`.
fn named_closures(code: &str) -> usize {
    let statements = code.split("let ").skip(1);
    statements
        .filter(|statement| names_a_closure(statement))
        .count()
}

fn names_a_closure(statement: &str) -> bool {
    let statement = statement.trim_start_matches("mut ");
    let after_name = statement.trim_start_matches(is_of_word);
    let value = after_name.split_once('=').filter(|(kind, _)| {
        kind.trim().is_empty() || kind.starts_with(':') && !kind.contains([';', '\n'])
    });
    value.is_some_and(|(_, value)| {
        let value = value.trim_start();
        let value = value.strip_prefix("move ").unwrap_or(value);
        value.starts_with('|')
    })
}

/// Name and number of lines of each function that has a body.
fn functions(code: &str) -> Vec<(&str, usize)> {
    let starts = code.match_indices("fn ");
    let whole_words = starts.filter(|(at, _)| !code[..*at].ends_with(is_of_word));
    whole_words
        .filter_map(|(at, _)| function(&code[at..]))
        .collect()
}

fn function(code: &str) -> Option<(&str, usize)> {
    let name = words(&code[2..]).next()?;
    let has_name = code[3..].starts_with(name);
    let body = start_of_body(code).filter(|_| has_name)?;
    let end = body + end_of_block(&code[body..]);
    let filled = code[..end].lines().filter(|line| !line.trim().is_empty());
    Some((name, filled.count()))
}

/// The index of a function's first brace; none if its declaration ends without a body.
fn start_of_body(code: &str) -> Option<usize> {
    let mut depth = 0;
    for (at, letter) in code.char_indices() {
        match letter {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            '{' if depth == 0 => return Some(at),
            ';' | '}' if depth <= 0 => return None,
            _ => {}
        }
    }
    None
}

#[test]
fn code_is_short() {
    let all = Measures::of(&all_host_sources());
    let mut table = String::new();
    for name in host_crates() {
        _ = write!(table, "{}", Measures::of(&host_sources(&name)).row(&name));
    }
    _ = write!(table, "{}", all.row("all"));
    assert!(all.long_line() <= LINE, "lines are too long:\n{table}");
    assert!(
        all.closures_per_thousand() <= NAMED_CLOSURES,
        "closures have names:\n{table}"
    );
    assert!(
        all.median_function() <= MEDIAN_FUNCTION && all.longest_function().0 <= MAX_FUNCTION,
        "functions are too long:\n{table}"
    );
}

#[test]
fn functions_and_closures_are_found() {
    let code = "fn one() {\n    1\n}\n\ntrait T {\n    fn none(&self) -> [u8; 2];\n}\n\
                fn two(f: fn(u8) -> u8) -> u8 {\n\n    let g = move |x| f(x);\n    let h: u8 =\n        |x| x;\n    g(1)\n}";
    assert_eq!(functions(code), [("one", 3), ("two", 6)]);
    assert_eq!(named_closures(code), 2);
}
