//! The frame of every benchmark: the rows that were asked for, and their output as one line of JSON each:
//! `{"name", "value", "unit", "against", "ratio", "bar"}`. Knows no row.

use std::path::{Path, PathBuf};

use serde_json::json;

/// One line of the result.
pub(crate) struct Row<'a> {
    pub(crate) name: &'a str,
    pub(crate) value: f64,
    pub(crate) unit: &'a str,
    /// The other side of a comparison, and the value as a multiple of the other side's.
    pub(crate) against: Option<(&'a str, f64)>,
    /// The value that is wanted, in words; empty where nothing is.
    pub(crate) bar: &'a str,
}

impl Row<'_> {
    #[expect(clippy::print_stdout, reason = "the result of the benchmark")]
    pub(crate) fn print(&self) {
        let row = json!({
            "name": self.name,
            "value": rounded(self.value),
            "unit": self.unit,
            "against": self.against.map(|(name, _)| name),
            "ratio": self.against.map(|(_, ratio)| rounded(ratio)),
            "bar": self.bar,
        });
        println!("{row}");
    }
}

/// A number with three digits behind the point.
fn rounded(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}

/// The middle number, or the upper one of two.
pub(crate) fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(f64::NAN)
}

/// True for `cargo bench`, which passes `--bench`. As a test a benchmark runs everything once, to see that it works.
pub(crate) fn is_measured() -> bool {
    std::env::args().any(|argument| argument == "--bench")
}

/// True if the row or group `name` was asked for: an argument is part of its name, or there is no argument.
pub(crate) fn is_wanted(name: &str) -> bool {
    let mut wanted = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .peekable();
    wanted.peek().is_none() || wanted.any(|wanted| name.contains(&wanted))
}

/// The path of a file in this clone.
pub(crate) fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path)
}
