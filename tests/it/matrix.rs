//! One guest in nine languages, and what each must do: handles, errors, texts, lists, numbers, state, traps, a hundred
//! thousand calls. The guests in `tests/fixtures/guests` are kept for ever; `tests/matrix` has their sources, which
//! `PHASEBOX_TEST_LONG=1` builds and holds to the same rows.
//!
//! | file | owns |
//! |---|---|
//! | `rows` | the behaviors with what is due, and the languages that do otherwise with the reason |
//! | `guests` | the components: those that are kept, or fresh builds |
//! | `costs` | what a call and an instance cost |
//! | `table` | the table of `plugins/sdk/languages.md` |

mod costs;
mod guests;
mod rows;
mod table;

use crate::harness::training::{TrainedRun, Training};

use self::guests::Guest;
use self::rows::{Due, ROWS, Row};

/// Interpreters build lists of four million numbers element by element.
const ROOM: &str = "limits: {memory: 2GiB, time: 100s, step_time: 300s}";
/// Each row's call, once: the behaviors that go on need a second batch, and the return after a trap a third.
const BATCHES: &str = "train_dataloader_params.max_batches=3";
const SEED: &str = "training_hyperparams.seed=18446744073709551615";
/// The memory that JavaScript's engine may grow to; it collects late.
const MOST_BYTES: u64 = 192 << 20;
const PAGES: u64 = 1 << 20;
const BROKEN: &str = "it broke on purpose, ⅓ 💡";

/// The outcome of a row: nothing, or what was found in place of what is due.
type Outcome = Result<(), String>;

#[test]
fn every_language_behaves_as_the_table_says() {
    table::check(&outcomes(&guests::kept()));
}

/// The rows again, on components that this machine's compilers make of today's sources and SDKs.
#[test]
fn fresh_builds_behave_as_the_kept_ones() {
    let fresh = guests::fresh();
    for (guest, outcomes) in fresh.iter().zip(outcomes(&fresh)) {
        rows::judge(guest.language, &outcomes);
    }
}

/// The outcomes of every row, language by language; two languages at a time.
fn outcomes(guests: &[Guest]) -> Vec<Vec<Outcome>> {
    let (one, other) = guests.split_at(guests.len() / 2);
    std::thread::scope(|scope| {
        let one = scope.spawn(|| one.iter().map(behave).collect::<Vec<_>>());
        let other: Vec<_> = other.iter().map(behave).collect();
        let mut all = one.join().expect("its rows were run");
        all.extend(other);
        all
    })
}

/// Runs a language's guest.
fn behave(guest: &Guest) -> Vec<Outcome> {
    let once = entries(guest).run();
    ROWS.iter().map(|row| outcome(guest, row, &once)).collect()
}

/// A training with an instance for each row, side by side.
fn entries(guest: &Guest) -> Training {
    let entries: String = ROWS.iter().filter_map(|row| entry(guest, row)).collect();
    let training = Training::digits().epochs(1).with(BATCHES).with(SEED);
    training.callbacks(&entries)
}

/// The entry of a row that is one of many in a run.
fn entry(guest: &Guest, row: &Row) -> Option<String> {
    let on_error = match row.due {
        Due::Says(_) | Due::FailsAt(_) => "disable",
        Due::Returns(_) => "{reload: {strikes: 2, backoff: 1}}",
        Due::Refused | Due::Resumes(_) | Due::StaysSmall => return None,
    };
    let rest = format!("grants: [{}], on_error: {on_error}", row.grants);
    Some(format!("  - {}\n", called(guest, row.task, "", &rest)))
}

/// An entry of `phase_callbacks`, in braces, with the name of its task.
fn called(guest: &Guest, task: &str, params: &str, rest: &str) -> String {
    let path = guest.component.display();
    let say = r"é ⅓ 💡 \U0010ffff \0|";
    format!(
        "{{wasm: '{path}', name: {task}, params: {{task: {task}, say: \"{say}\"{params}}}, {ROOM}, {rest}}}"
    )
}

fn outcome(guest: &Guest, row: &Row, once: &TrainedRun) -> Outcome {
    match row.due {
        Due::Says(lines) => says(once, row.task, lines),
        Due::Returns(lines) => {
            failed_at(
                guest,
                once,
                row.task,
                "on-train-batch-end",
                "the first strike",
            )?;
            says(once, row.task, lines)
        }
        Due::FailsAt(phase) if row.task == "own-error" => {
            words(&failure(once, row.task, phase)?, "it may not, ⅓ 💡")
        }
        Due::FailsAt(phase) => {
            failed_at(guest, once, row.task, phase, BROKEN)?;
            place(guest, &failure(once, row.task, phase)?)
        }
        Due::Refused => refused(guest, row),
        Due::Resumes(line) => resumes(guest, row, line),
        Due::StaysSmall => stays_small(guest, row),
    }
}

/// The lines of the log are these.
fn says(run: &TrainedRun, task: &str, lines: &[&str]) -> Outcome {
    let said = run.said(task, "info");
    if said == lines {
        return Ok(());
    }
    let failures = run.callback(task)["failures"].clone();
    Err(format!("{said:?} {failures}"))
}

/// The message of the only failure of a callback, which was at this phase.
fn failure(run: &TrainedRun, task: &str, phase: &str) -> Result<String, String> {
    let failures = run.callback(task)["failures"].clone();
    let first = &failures[0];
    match (first["phase"] == phase, first["message"].as_str()) {
        (true, Some(message)) => Ok(message.to_owned()),
        _ => Err(format!("no failure at {phase}: {failures}")),
    }
}

fn failed_at(guest: &Guest, run: &TrainedRun, task: &str, phase: &str, due: &str) -> Outcome {
    let message = failure(run, task, phase)?;
    words(&message, due)?;
    words(&message, guest.file)
}

fn words(message: &str, due: &str) -> Outcome {
    match message.contains(due) {
        true => Ok(()),
        false => Err(message.to_owned()),
    }
}

/// The message has file and line of what broke.
fn place(guest: &Guest, message: &str) -> Outcome {
    let place = format!("{}:{}", guest.file, guest.line);
    let ends = |rest: &str| !rest.starts_with(|next: char| next.is_ascii_digit());
    let found = message.split(&place).skip(1).any(ends);
    found
        .then_some(())
        .ok_or_else(|| format!("no {place} in: {message}"))
}

/// `configure` breaks, and so does the check of the recipe.
fn refused(guest: &Guest, row: &Row) -> Outcome {
    let training = Training::digits().callback(&called(guest, row.task, "", "grants: []"));
    let checked = training.check();
    if checked.code == Some(0) {
        return Err("nothing failed".to_owned());
    }
    words(&checked.stderr, BROKEN)?;
    place(guest, &checked.stderr)
}

/// A state that one process saved is whole in the next.
fn resumes(guest: &Guest, row: &Row, line: &str) -> Outcome {
    let training = || {
        let entry = called(guest, row.task, "", "grants: []");
        Training::digits().with(BATCHES).callback(&entry)
    };
    let cut = training().checkpoints(1).run();
    let resumed = training().epochs(2).from(&cut, "latest").run();
    says(&resumed, row.task, &[line; 3])
}

/// A hundred thousand calls take no more memory than ten thousand, nor handles.
fn stays_small(guest: &Guest, row: &Row) -> Outcome {
    let entry = |name: &str, turns: u32| {
        let entry = called(guest, row.task, &format!(", turns: {turns}"), "grants: []");
        entry.replace("name: turns", &format!("name: {name}"))
    };
    let run = Training::digits()
        .callback(&entry("short", 10_000))
        .callback(&entry("long", 100_000))
        .with("train_dataloader_params.batch_size=1")
        .epochs(8)
        .run();
    let [short, long] = ["short", "long"].map(|name| run.callback(name));
    let calls = long["calls"].as_u64().unwrap_or_default();
    assert!(calls >= 100_000, "{}: {calls}", guest.language);
    let handles = &long["limits"]["handles"]["peak"];
    assert!(
        handles.as_u64() <= Some(64),
        "{}: {handles}",
        guest.language
    );
    let bytes = |callback: &serde_json::Value| callback["peak_memory_bytes"].as_u64();
    match (bytes(&short), bytes(&long)) {
        (Some(short), Some(long)) if long <= short + PAGES => Ok(()),
        (Some(_), Some(long)) if long <= MOST_BYTES => Err("it grew, up to a bound".to_owned()),
        other => Err(format!("it grew without a bound: {other:?}")),
    }
}
