//! The rows of docs/limits.md on the cost of calls: read, written, and compared with what was measured.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::search::{Measured, most_size};

const MIB: u64 = 1 << 20;

/// Bounds of a row: it has the smallest that holds three times the time, and the memory and the disk, of each function.
const TIMES: [(Duration, &str); 5] = [
    (Duration::from_millis(10), "10 ms"),
    (Duration::from_millis(100), "100 ms"),
    (Duration::from_secs(1), "1 s"),
    (Duration::from_secs(10), "10 s"),
    (Duration::from_secs(30), "30 s"),
];
/// The first is that of noise.
const BYTES: [(u64, &str); 6] = [
    (8 * MIB, "–"),
    (32 * MIB, "32 MiB"),
    (128 * MIB, "128 MiB"),
    (512 * MIB, "512 MiB"),
    (1024 * MIB, "1 GiB"),
    (2048 * MIB, "2 GiB"),
];
const SIZE: &str = "Elements of tensors: 2 to the power of ";
const HEADER: &str = "| functions | limits | beyond | time | memory | disk | lines |";

/// A row of the table; bounds are their places in the lists.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Row {
    limits: Vec<String>,
    refusals: Vec<String>,
    time: usize,
    memory: usize,
    disk: usize,
    lines: u64,
}

impl Row {
    /// The row that a function should stand in; none if it costs more than any may.
    fn of(measured: &Measured) -> Option<Row> {
        Some(Row {
            limits: measured.limits(),
            refusals: refusals(measured),
            time: TIMES
                .iter()
                .position(|(most, _)| 3 * measured.time <= *most)?,
            memory: place(measured.memory + measured.memory / 8)
                .or_else(|| place(measured.memory))?,
            disk: place(measured.disk)?,
            lines: measured.lines,
        })
    }

    /// True if a function costs no more than the row says. A short run meets fewer refusals.
    pub(crate) fn holds(&self, measured: &Measured) -> bool {
        let mut refusals = refusals(measured).into_iter();
        self.limits == measured.limits()
            && refusals.all(|code| self.refusals.contains(&code))
            && measured.time <= TIMES[self.time].0
            && measured.memory <= BYTES[self.memory].0
            && measured.disk <= BYTES[self.disk].0
            && measured.lines <= self.lines
    }

    fn written(&self, functions: &[&str]) -> String {
        let lines = match self.lines {
            0 => "–".to_owned(),
            lines => lines.to_string(),
        };
        let cells = [
            cell(functions),
            cell(&self.limits),
            cell(&self.refusals),
            TIMES[self.time].1.to_owned(),
            BYTES[self.memory].1.to_owned(),
            BYTES[self.disk].1.to_owned(),
            lines,
        ];
        format!("| {} |\n", cells.join(" | "))
    }

    /// The functions and the row of a line of the table.
    fn read(line: &str) -> Option<(Vec<String>, Row)> {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [functions, limits, refusals, time, memory, disk, lines] = cells[..] else {
            return None;
        };
        let row = Row {
            limits: names(limits),
            refusals: names(refusals),
            time: TIMES.iter().position(|(_, shown)| *shown == time)?,
            memory: BYTES.iter().position(|(_, shown)| *shown == memory)?,
            disk: BYTES.iter().position(|(_, shown)| *shown == disk)?,
            lines: lines.parse().unwrap_or(0),
        };
        Some((names(functions), row))
    }
}

/// The codes of refusals of what is too large; a function that was never accepted says so.
fn refusals(measured: &Measured) -> Vec<String> {
    match measured.was_accepted {
        true => measured.refusals.iter().cloned().collect(),
        false => vec!["not-available".to_owned()],
    }
}

/// The place of the smallest bound that holds so many bytes.
fn place(bytes: u64) -> Option<usize> {
    BYTES.iter().position(|(most, _)| bytes <= *most)
}

/// Names as a cell.
fn cell<S: AsRef<str>>(names: &[S]) -> String {
    if names.is_empty() {
        return "–".to_owned();
    }
    let names = names.iter().map(|name| format!("`{}`", name.as_ref()));
    names.collect::<Vec<_>>().join(", ")
}

/// The names in a cell; none for a dash.
fn names(cell: &str) -> Vec<String> {
    let names = cell
        .split(", ")
        .filter_map(|name| name.strip_prefix('`')?.strip_suffix('`'));
    names.map(str::to_owned).collect()
}

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/limits.md")
}

/// The rows of docs/limits.md by their functions.
pub(crate) fn page() -> BTreeMap<String, Row> {
    let text = fs::read_to_string(path()).expect("the page");
    let mut rows = BTreeMap::new();
    for (functions, row) in text.lines().filter_map(Row::read) {
        for function in functions {
            let twice = rows.insert(function.clone(), row.clone());
            assert!(twice.is_none(), "`{function}` stands in two rows");
        }
    }
    rows
}

/// True if the page was measured with so many elements, or more: a long run measures more than a page of a short one.
pub(crate) fn is_page_of(size: u32) -> bool {
    let text = fs::read_to_string(path()).expect("the page");
    let line = text.lines().find_map(|line| line.strip_prefix(SIZE));
    let most = line.and_then(|line| line.trim_end_matches('.').parse::<u32>().ok());
    most.is_some_and(|most| most >= size)
}

/// True if a function costs no more than any may.
pub(crate) fn fits(measured: &Measured) -> bool {
    Row::of(measured).is_some()
}

/// The table as it should be.
pub(crate) fn table(all: &BTreeMap<String, Measured>) -> String {
    let mut rows: BTreeMap<Row, Vec<&str>> = BTreeMap::new();
    let mut text = format!(
        "{SIZE}{}.\n\n{HEADER}\n| --- | --- | --- | --- | --- | --- | --- |\n",
        most_size()
    );
    for (name, measured) in all {
        match Row::of(measured) {
            Some(row) => rows.entry(row).or_default().push(name),
            None => text.push_str(&format!("no row holds {name}: {}\n", measured.shown())),
        }
    }
    let rows = rows.iter().map(|(row, functions)| row.written(functions));
    text.extend(rows);
    text
}

/// Puts a table in the place of the page's, which is the last thing there.
pub(crate) fn write(table: &str) {
    let text = fs::read_to_string(path()).expect("the page");
    let (before, _) = text.split_once(SIZE).expect("the page has a table");
    fs::write(path(), format!("{before}{table}")).expect("the page can be written");
}
