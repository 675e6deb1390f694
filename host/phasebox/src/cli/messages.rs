//! The messages of runs on standard error, above the bar of whatever run there is: escaped and cut as any text that may
//! hold one of others, and thinned where they repeat. Logs in a run's folder are the trainer's.

use std::collections::BTreeMap;
use std::fmt::{self, Debug, Write as _};
use std::io::{self, IsTerminal as _};
use std::sync::{Mutex, MutexGuard, PoisonError};

use phasebox_contract::printable;
use phasebox_train::callback::COUNTED;
use phasebox_train::logger::LineWriter;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// The most texts whose repetitions are counted at one time.
const MAX_COUNTED: usize = 4096;
/// The bytes of a text that are compared with others.
const MAX_COMPARED_BYTES: usize = 512;

/// The messages of the run in hand.
static REPETITIONS: Mutex<Repetitions> = Mutex::new(Repetitions(BTreeMap::new()));

/// Shows messages from now on. They are counted anew: one of the last run is no repetition.
pub(super) fn show_messages() {
    repetitions().0.clear();
    let lines = tracing_subscriber::fmt()
        .with_ansi(io::stderr().is_terminal())
        .event_format(Lines)
        .with_writer(|| LineWriter);
    // Only the first subscriber of a process counts; a second run in it keeps that one.
    let _ = lines.with_max_level(Level::INFO).try_init();
}

fn repetitions() -> MutexGuard<'static, Repetitions> {
    REPETITIONS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The form of a message: its level and its text.
struct Lines;

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut out: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut text = Text::default();
        event.record(&mut text);
        let level = *event.metadata().level();
        let count = match event.metadata().target() {
            COUNTED => 1,
            _ => repetitions().count(level, &text.0),
        };
        if !printable::is_told(count) {
            return Ok(());
        }
        write_level(&mut out, level)?;
        write!(out, "{}", printable::shown(&text.0))?;
        match count {
            1..=3 => writeln!(out),
            _ => writeln!(out, " (said {count} times)"),
        }
    }
}

fn write_level(out: &mut Writer<'_>, level: Level) -> fmt::Result {
    if !out.has_ansi_escapes() {
        return write!(out, "{level:>5} ");
    }
    let color = match level {
        Level::ERROR => 31,
        Level::WARN => 33,
        _ => 32,
    };
    write!(out, "\u{1b}[{color}m{level:>5}\u{1b}[0m ")
}

/// The text of a message.
#[derive(Default)]
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            // Into a string, which takes everything.
            let _ = write!(self.0, "{value:?}");
        }
    }
}

/// The number of times that each text was said in a run.
struct Repetitions(BTreeMap<String, u64>);

impl Repetitions {
    /// Counts a text, and answers how often it was said by now. Warnings that differ in numbers alone are one.
    fn count(&mut self, level: Level, text: &str) -> u64 {
        if self.0.len() >= MAX_COUNTED {
            self.0.clear();
        }
        let text = beginning(text);
        let counted = match level {
            Level::ERROR | Level::WARN => without_numbers(text),
            _ => text.to_owned(),
        };
        let count = self.0.entry(counted).or_default();
        *count += 1;
        *count
    }
}

/// As much of a text as is compared.
fn beginning(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_COMPARED_BYTES)]
}

/// A text with one digit in the place of several.
fn without_numbers(text: &str) -> String {
    let mut kept = String::new();
    for letter in text.chars() {
        match letter.is_ascii_digit() {
            true if kept.ends_with('0') => {}
            true => kept.push('0'),
            false => kept.push(letter),
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_that_differ_in_numbers_alone_are_one() {
        let texts = ["step 1: a", "step 22: a", "step 303: a", "step 4: b", ""];
        let check = |level: Level, expected: [u64; 5]| {
            let mut repetitions = Repetitions(BTreeMap::new());
            let counts = texts.map(|text| repetitions.count(level, text));
            assert_eq!(counts, expected);
        };
        check(Level::WARN, [1, 2, 3, 1, 1]);
        check(Level::INFO, [1, 1, 1, 1, 1]);
    }

    #[test]
    fn little_of_the_texts_is_kept() {
        let mut repetitions = Repetitions(BTreeMap::new());
        for number in 0..10_000 {
            let text = format!("{number} {}", "a".repeat(10_000));
            repetitions.count(Level::INFO, &text);
        }
        assert!(repetitions.0.len() <= MAX_COUNTED);
        let bytes = repetitions.0.keys().map(String::len).max();
        assert_eq!(bytes, Some(MAX_COMPARED_BYTES));
    }
}
