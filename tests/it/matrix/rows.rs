//! The behaviors that every language has, and what is due of each: one table for all. Where a language does otherwise, a
//! second table has what is found there, and whose fault it is.

use super::Outcome;

/// A behavior, and how it is seen.
pub(super) struct Row {
    /// Its words in the table of `languages.md`.
    pub(super) behavior: &'static str,
    /// The parameter `task`, and the name of the instance.
    pub(super) task: &'static str,
    pub(super) grants: &'static str,
    pub(super) due: Due,
}

/// The sign that a behavior is there.
#[derive(Clone, Copy)]
pub(super) enum Due {
    /// These lines in the log.
    Says(&'static [&'static str]),
    /// A failure at this phase, with its words, file and line.
    FailsAt(&'static str),
    /// A failure at the first batch, then these lines of the instance that takes its place.
    Returns(&'static [&'static str]),
    /// The recipe is refused, with words, file and line.
    Refused,
    /// This line at every batch after a resume.
    Resumes(&'static str),
    /// A hundred thousand calls, without growth.
    StaysSmall,
}
use Due::{FailsAt, Refused, Resumes, Returns, Says, StaysSmall};

const fn row(behavior: &'static str, task: &'static str, grants: &'static str, due: Due) -> Row {
    Row {
        behavior,
        task,
        grants,
        due,
    }
}

pub(super) const ROWS: &[Row] = &[
    row(
        "Handles: own and lent, kept across calls, released late",
        "handles",
        "sync",
        Says(&["18 9", "kept 7", "released later"]),
    ),
    row(
        "A handle released twice does no harm",
        "twice",
        "",
        Says(&["alive"]),
    ),
    row(
        "A handle of an earlier call answers `stale-handle`",
        "stale",
        "sync",
        Says(&["stale-handle"]),
    ),
    row(
        "The host's errors are the language's own, with their code",
        "errors",
        "",
        Says(&[
            "shape-mismatch",
            "not-available",
            "denied",
            "dtype-mismatch",
            "too-large",
            "invalid-argument",
        ]),
    ),
    row(
        "An error of the callback arrives with its words",
        "own-error",
        "",
        FailsAt("on-train-batch-end"),
    ),
    row(
        "A failure in `configure` shows words, file and line",
        "panic-configure",
        "",
        Refused,
    ),
    row(
        "… before training",
        "panic-start",
        "",
        FailsAt("on-training-start"),
    ),
    row(
        "… within a step",
        "panic-loss",
        "",
        FailsAt("on-train-batch-loss-end"),
    ),
    row(
        "… in validation",
        "panic-validation",
        "",
        FailsAt("on-validation-batch-end"),
    ),
    row(
        "… after training",
        "panic-end",
        "",
        FailsAt("on-training-end"),
    ),
    row("… in `save-state`", "panic-save", "", FailsAt("save-state")),
    row(
        "A fresh instance goes on after a trap",
        "recover",
        "",
        Returns(&["alive again", "alive again"]),
    ),
    row(
        "Texts of any Unicode and NUL, both ways",
        "texts",
        "",
        Says(&[
            "é ⅓ 💡 \u{10ffff} \\u{0}|",
            "a\\u{0}b é ⅓ 💡 \u{10ffff}",
            "texts/é ⅓ 💡",
        ]),
    ),
    row(
        "Options, none and some, both ways",
        "options",
        "sync",
        Says(&["epoch none", "epoch some 0", "metric none", "2", "5"]),
    ),
    row(
        "Lists of 4 Mi floats, both ways",
        "lists",
        "sync",
        Says(&["4194304 12582907 12582907"]),
    ),
    row(
        "Integers of 64 bits to their ends",
        "integers",
        "sync",
        Says(&[
            "-9223372036854775808 9223372036854775807 -1",
            "18446744073709551615",
            "invalid-argument",
        ]),
    ),
    row(
        "Floats: not-a-number, infinities, −0, the largest, the smallest",
        "numbers",
        "sync",
        Says(&["nan inf -inf -0 3", "exact", "exact", "exact"]),
    ),
    row(
        "State with bytes of all values, over a resume",
        "state",
        "",
        Resumes("state whole"),
    ),
    row(
        "100,000 calls take no more memory than 10,000, and no more handles",
        "turns",
        "",
        StaysSmall,
    ),
];

/// A row that a language fails: words of what is found, and the reason as the table has it.
struct Exception {
    language: &'static str,
    task: &'static str,
    found: &'static str,
    reason: &'static str,
}

const fn except(
    language: &'static str,
    task: &'static str,
    found: &'static str,
    reason: &'static str,
) -> Exception {
    Exception {
        language,
        task,
        found,
        reason,
    }
}

const ENDED: &str = "it used a handle that it does not have";
const TAKEN: &str = "Our SDK: what a call made ends with it, number and all, so that a later use is a trap that says so.";
const NO_CODE: &str =
    "No code of the author runs there: the SDK writes the state from its declaration.";
const DISPOSED: &str = "componentize-js: a second `[Symbol.dispose]()` reaches the host, which ends the call and says so.";
const LATE: &str = "The engine: StarlingMonkey collects late; the memory is bounded, at 192 MiB.";

const EXCEPTIONS: &[Exception] = &[
    except(
        "zig",
        "twice",
        ENDED,
        "The language: a handle is a value that is copied, so that a second `drop` is a trap that says so.",
    ),
    except(
        "python",
        "twice",
        "TypeError: cannot unpack non-iterable NoneType object",
        "componentize-py: a second `with` on a handle raises `TypeError` in its bindings, with a traceback.",
    ),
    except("javascript", "twice", ENDED, DISPOSED),
    except("typescript", "twice", ENDED, DISPOSED),
    except("zig", "stale", ENDED, TAKEN),
    except("go", "stale", ENDED, TAKEN),
    except("assemblyscript", "stale", ENDED, TAKEN),
    except("javascript", "stale", ENDED, TAKEN),
    except("typescript", "stale", ENDED, TAKEN),
    except(
        "assemblyscript",
        "panic-configure",
        "nothing failed",
        "Our SDK has no `configure` for the author.",
    ),
    except("c", "panic-save", "no failure", NO_CODE),
    except("cpp", "panic-save", "no failure", NO_CODE),
    except("zig", "panic-save", "no failure", NO_CODE),
    except(
        "c",
        "texts",
        "⅓",
        "The language: a parameter is an array of `char`, which ends at its first zero. Texts of the host have none.",
    ),
    except("javascript", "turns", "it grew, up to a bound", LATE),
    except("typescript", "turns", "it grew, up to a bound", LATE),
];

/// The reason why a language fails a row, if it is known to.
pub(super) fn reason(language: &str, task: &str) -> Option<&'static str> {
    exception(language, task).map(|exception| exception.reason)
}

fn exception(language: &str, task: &str) -> Option<&'static Exception> {
    let mut all = EXCEPTIONS.iter();
    all.find(|exception| exception.language == language && exception.task == task)
}

/// Fails unless a language does what is due, and where it is known to do otherwise, does that.
pub(super) fn judge(language: &str, outcomes: &[Outcome]) {
    let wrong: Vec<String> = ROWS
        .iter()
        .zip(outcomes)
        .filter_map(|(row, outcome)| {
            let known = exception(language, row.task).map(|exception| exception.found);
            let is_due = match (known, outcome) {
                (None, Ok(())) => true,
                (Some(known), Err(found)) => found.contains(known),
                _ => false,
            };
            let found = outcome.as_ref().err().map_or("ok", String::as_str);
            (!is_due).then(|| format!("{}: expected {known:?}, found {found}", row.task))
        })
        .collect();
    assert!(wrong.is_empty(), "{language}:\n{}", wrong.join("\n"));
}
