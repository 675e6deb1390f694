//! One run with every attack that runs in it, each a callback of its own, and the same run without any.

use std::fmt::Write as _;
use std::sync::OnceLock;

use serde_json::Value;

use super::{Attack, Expect, How, attacks};
use crate::harness::{Run, Scratch, TINY, repository};

/// A finished run with all attacks in it.
struct AttackRun {
    _scratch: Scratch,
    run: Run,
    stderr: String,
}

fn attack_run() -> &'static AttackRun {
    static ONCE: OnceLock<AttackRun> = OnceLock::new();
    ONCE.get_or_init(|| {
        let scratch = Scratch::new();
        let mut recipe = TINY.to_owned();
        for attack in attacks() {
            _ = write!(recipe, "{}", entry(&scratch, &attack));
        }
        scratch.write("recipe.yaml", recipe);
        let finished = scratch.train(&["--threads", "1"]);
        assert_eq!(
            finished.code,
            Some(0),
            "the trainer fell: {}",
            finished.stderr
        );
        let run = scratch.run();
        AttackRun {
            _scratch: scratch,
            run,
            stderr: finished.stderr,
        }
    })
}

/// The recipe's lines for an attack; none for a file that is loaded alone.
fn entry(scratch: &Scratch, attack: &Attack) -> String {
    let Attack {
        name,
        grants,
        limits,
        ..
    } = attack;
    let (wasm, params) = match attack.how {
        How::File(_) => return String::new(),
        How::Guest => (guest(), format!("params: {{attack: {name}}}, ")),
        How::Made(bytes) => {
            scratch.write(&format!("{name}.wasm"), bytes());
            (format!("{name}.wasm"), String::new())
        }
    };
    format!(
        "  - {{wasm: {wasm}, name: {name}, {params}grants: [{grants}], limits: {{{limits}}}, on_error: disable}}\n"
    )
}

pub(super) fn guest() -> String {
    let built = repository("target/plugins/tests/attacks.wasm");
    built.to_str().expect("a path in UTF-8").to_owned()
}

/// The answer that the attack got, as `guests/attacks` logs it.
fn answer(run: &Run, name: &str) -> String {
    let told = |line: &Value| {
        Some(
            line["message"]
                .as_str()?
                .strip_prefix("answer: ")?
                .to_owned(),
        )
    };
    let lines = run.metrics();
    lines
        .iter()
        .filter(|line| line["source"] == name)
        .find_map(told)
        .unwrap_or_default()
}

/// Checks the outcome of every row.
pub(super) fn check(rows: &[Attack]) {
    let wrong: Vec<String> = rows
        .iter()
        .filter_map(|row| {
            found(row)
                .err()
                .map(|found| format!("{}: {found}", row.name))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn found(attack: &Attack) -> Result<(), String> {
    if let (How::File(bytes), Expect::Refused(words)) = (&attack.how, &attack.expect) {
        return refused(&bytes(), attack.limits, words);
    }
    let run = &attack_run().run;
    let failures = run.callback(attack.name)["failures"].clone();
    let answer = answer(run, attack.name);
    let failed = || {
        failures[0]["message"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    let fits = match attack.expect {
        Expect::Contained(words) => failed().contains(words),
        Expect::Answered(words) => {
            failures == Value::from([(); 0].as_slice()) && answer.contains(words)
        }
        Expect::Passes => {
            failures == Value::from([(); 0].as_slice())
                && (answer == "ok" || !matches!(attack.how, How::Guest))
        }
        Expect::Refused(_) => false,
    };
    if fits {
        Ok(())
    } else {
        Err(format!("answered `{answer}`, failed with {failures}"))
    }
}

/// Loads a file alone, by the command that runs nothing else. The refusal names the callback and has `words`.
fn refused(bytes: &[u8], limits: &str, words: &str) -> Result<(), String> {
    let scratch =
        Scratch::with_callbacks(&format!("  - {{wasm: case.wasm, limits: {{{limits}}}}}\n"));
    scratch.write("case.wasm", bytes);
    let finished = scratch.phasebox(&["check", "recipe.yaml"]);
    let fits = finished.code == Some(2)
        && finished.stderr.contains(words)
        && finished.stderr.contains("case");
    if fits {
        Ok(())
    } else {
        Err(format!(
            "ended with {:?}: {}{}",
            finished.code, finished.stdout, finished.stderr
        ))
    }
}

/// Lines of the trainer, without those that callbacks logged under names of their own.
fn of_the_trainer(run: &Run) -> Vec<Value> {
    let is_attack = |line: &Value| {
        let of = |name: &Value, attack: &Attack| {
            name.as_str().is_some_and(|name| {
                name == attack.name || name.starts_with(&format!("{}/", attack.name))
            })
        };
        attacks()
            .iter()
            .any(|attack| of(&line["name"], attack) || of(&line["source"], attack))
    };
    run.metrics()
        .into_iter()
        .filter(|line| !is_attack(line))
        .collect()
}

/// The losses and metrics of every step and the weights are those of a run without attacks, bit for bit.
#[test]
fn training_goes_on_as_if_nobody_had_attacked() {
    let clean = Scratch::with_callbacks("  []\n");
    let (under_attack, clean) = (&attack_run().run, clean.trained(&["--threads", "1"]));
    assert_eq!(of_the_trainer(under_attack), clean.metrics());
    for file in ["model.safetensors", "optimizer.safetensors"] {
        let path = format!("ckpt_latest/{file}");
        assert!(
            under_attack.bytes(&path) == clean.bytes(&path),
            "{file} differs"
        );
    }
    assert_eq!(under_attack.summary()["stop_reason"], "completed");
}

/// Texts of callbacks make no line of their own, and no control sequence of the terminal.
#[test]
fn no_output_is_forged() {
    let AttackRun { run, stderr, .. } = attack_run();
    assert!(
        !stderr.lines().any(|line| line.starts_with("error:")),
        "{stderr}"
    );
    assert!(
        !stderr.contains(['\u{1b}', '\u{7}', '\u{202e}']),
        "{stderr}"
    );
    assert!(run.metrics().iter().all(|line| line["name"] != "forged"));
    assert!(stderr.len() < 1 << 20, "{} bytes", stderr.len());
}

/// A panic of a host function is a fault of the host, and is counted.
#[test]
fn no_attack_makes_a_host_function_panic() {
    for attack in attacks()
        .iter()
        .filter(|attack| !matches!(attack.how, How::File(_)))
    {
        assert_eq!(
            attack_run().run.callback(attack.name)["host_panics"],
            0,
            "{}",
            attack.name
        );
    }
}
