//! What benchmarks share: what was asked for, and rows of JSON on standard output, one a line:
//! `{"name", "value", "unit", "against", "ratio", "bar"}`. Owns no row.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// One line of the result.
pub(crate) struct Row<'a> {
    pub(crate) name: &'a str,
    pub(crate) value: f64,
    pub(crate) unit: &'a str,
    /// What the value stands beside, and how many times that it is.
    pub(crate) against: Option<(&'a str, f64)>,
    /// What it should be, in words.
    pub(crate) bar: &'a str,
}

impl Row<'_> {
    #[expect(clippy::print_stdout, reason = "the result of the benchmark")]
    pub(crate) fn print(&self) {
        let rounded = |number: f64| (number * 1000.0).round() / 1000.0;
        let (against, ratio) = match self.against {
            Some((against, ratio)) => (json!(against), json!(rounded(ratio))),
            None => (Value::Null, Value::Null),
        };
        let (name, value, unit, bar) = (self.name, rounded(self.value), self.unit, self.bar);
        println!(
            "{}",
            json!({"name": name, "value": value, "unit": unit, "against": against, "ratio": ratio, "bar": bar})
        );
    }
}

/// The middle one, or the upper of two.
pub(crate) fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(f64::NAN)
}

/// `cargo bench` says `--bench`; as a test a benchmark runs everything once, to see that it works.
pub(crate) fn is_measured() -> bool {
    std::env::args().any(|argument| argument == "--bench")
}

/// Whether the row or group `name` was asked for: all are when nobody names one.
pub(crate) fn is_wanted(name: &str) -> bool {
    let mut wanted = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .peekable();
    wanted.peek().is_none() || wanted.any(|wanted| name.contains(&wanted))
}

/// A path of this clone.
pub(crate) fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path)
}
