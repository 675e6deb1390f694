//! Every folder in `plugins/`: the component's description of itself agrees with its README, and the example in the README
//! trains, resumes and leaves nothing behind. A new folder is checked without an entry here.

use std::fs;

use phasebox_contract::grants::Grant;
use phasebox_contract::phase::Phase;
use serde_json::Value;

use crate::harness::training::{TrainedRun, Training};
use crate::harness::{Scratch, repository};

const EPOCHS: u64 = 4;
/// The SDK gives back so many handles at a time.
const GIVEN_BACK: i64 = 16;

/// The stock callbacks: all folders that are not the SDKs.
fn stock() -> Vec<String> {
    let folders = fs::read_dir(repository("plugins"))
        .expect("the clone has callbacks")
        .flatten();
    let names = folders.filter_map(|folder| folder.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| name != "sdk").collect();
    names.sort();
    assert!(names.len() >= 8, "{names:?}");
    names
}

fn readme(name: &str) -> String {
    let path = repository(&format!("plugins/{name}/README.md"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn inspected(name: &str) -> Value {
    let path = repository(&format!("target/plugins/{name}.wasm"));
    let finished =
        Scratch::new().phasebox(&["inspect", "--json", path.to_str().expect("a path in UTF-8")]);
    assert_eq!(finished.code, Some(0), "{name}: {}", finished.stderr);
    serde_json::from_str(&finished.stdout).expect("JSON, as asked for")
}

fn texts(list: &Value) -> Vec<&str> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

fn check_component(name: &str, inspected: &Value) {
    let description = &inspected["description"];
    assert_eq!(description["name"], name);
    for key in ["version", "summary"] {
        assert!(
            description[key]
                .as_str()
                .is_some_and(|text| !text.is_empty()),
            "{name}: no {key}"
        );
    }
    let schema = &description["parameters"];
    assert_eq!(
        (&schema["type"], &schema["additionalProperties"]),
        (&"object".into(), &false.into()),
        "{name}"
    );
    for grant in texts(&description["grants"]) {
        assert!(
            Grant::from_name(grant).is_some(),
            "{name}: no grant is called `{grant}`"
        );
    }
    let known: Vec<&str> = Phase::ALL.iter().map(|phase| phase.name()).collect();
    let phases = texts(&inspected["phases"]);
    assert!(!phases.is_empty(), "{name} is called at no phase");
    assert!(
        phases.iter().all(|phase| known.contains(phase)),
        "{name}: {phases:?}"
    );
    for import in texts(&inspected["imports"]) {
        assert!(
            import.starts_with("phasebox:train/"),
            "{name} imports {import}"
        );
    }
}

fn check_readme(name: &str, inspected: &Value) {
    let (readme, description) = (readme(name), &inspected["description"]);
    let section = |title: &str| {
        let rest = readme
            .split_once(&format!("* **{title}**:"))
            .map(|(_, rest)| rest);
        let rest = rest.unwrap_or_else(|| panic!("{name}/README.md has no {title}"));
        rest.split("\n* **").next().unwrap_or(rest).to_owned()
    };
    let (phases, grants) = (section("Phases"), section("Grants"));
    let exported = texts(&inspected["phases"]);
    if exported.len() == Phase::ALL.len() {
        assert_eq!(phases.trim(), "all.", "{name}");
    } else {
        exported.iter().for_each(|phase| {
            assert!(
                phases.contains(phase),
                "{name}/README.md: `{phase}` is missing"
            )
        });
    }
    let wanted = texts(&description["grants"]);
    wanted.iter().for_each(|grant| {
        assert!(
            grants.contains(&format!("`{grant}`")),
            "{name}/README.md: `{grant}`"
        )
    });
    assert_eq!(
        grants.trim().starts_with("none"),
        wanted.is_empty(),
        "{name}: {grants}"
    );
    ["Source", "Effect"]
        .into_iter()
        .for_each(|title| assert!(!section(title).is_empty()));
    let parameters = description["parameters"]["properties"]
        .as_object()
        .into_iter()
        .flatten();
    parameters
        .for_each(|(key, property)| check_parameter(name, &readme, key, &property["default"]));
}

/// Checks that a README states a parameter's default: in a table as `| name | default |`, in a sentence as
/// "`name` (default)".
fn check_parameter(name: &str, readme: &str, key: &str, default: &Value) {
    let said: Vec<&str> = readme.split(&format!("`{key}`")).skip(1).collect();
    assert!(
        !said.is_empty(),
        "{name}/README.md: parameter `{key}` is missing"
    );
    let shown = match default {
        Value::Null => return,
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string().trim_end_matches(".0").to_owned(),
        other => other.to_string(),
    };
    let follows = |rest: &&str| {
        rest.trim_start_matches([' ', '|', '(', '`'])
            .starts_with(&shown)
    };
    assert!(
        said.iter().any(follows),
        "{name}/README.md: the default of `{key}` is {shown}"
    );
}

#[test]
fn callbacks_are_what_they_and_their_readmes_say() {
    for name in stock() {
        let inspected = inspected(&name);
        check_component(&name, &inspected);
        check_readme(&name, &inspected);
    }
}

/// A training that the callback is for.
fn training(name: &str) -> Training {
    match name.contains("detection") {
        true => Training::boxes(),
        false => Training::digits(),
    }
}

/// A training with the example of the README.
fn example(name: &str) -> Training {
    let readme = readme(name);
    let block = readme
        .split_once("```yaml\nphase_callbacks:\n")
        .and_then(|(_, rest)| rest.split_once("```"));
    let (entries, _) = block.unwrap_or_else(|| panic!("{name}/README.md has no example"));
    training(name)
        .callbacks(entries)
        .with("train_dataloader_params.max_batches=4")
}

fn live_handles(run: &TrainedRun, name: &str) -> i64 {
    let count = &run.callback(name)["live_handles"];
    count.as_i64().expect("a count")
}

/// Cuts a run in the middle. Its second half must end in the same bytes.
fn check_training(name: &str) {
    let whole = example(name).checkpoints(EPOCHS).run();
    let resumed = example(name)
        .checkpoints(EPOCHS)
        .from(&whole, "epoch_2")
        .run();
    let (end, again) = (whole.checkpoint("latest"), resumed.checkpoint("latest"));
    assert_eq!(end.model, again.model, "{name}");
    assert_eq!(end.callbacks, again.callbacks, "{name}");
    assert!(
        end.callbacks.iter().any(|saved| saved.name == name),
        "{name} is not in the checkpoint"
    );
    let short = example(name).epochs(2).run();
    let grown = live_handles(&whole, name) - live_handles(&short, name);
    assert!(grown.abs() < GIVEN_BACK, "{name}: {grown} more handles");
    assert_ne!(whole.callback(name)["calls"], 0, "{name} was never called");
}

#[test]
fn the_examples_of_the_readmes_train_and_resume() {
    stock().iter().for_each(|name| check_training(name));
}

#[test]
fn an_unknown_parameter_is_refused_by_name() {
    for name in stock() {
        let (code, message) = training(&name)
            .callback(&format!("{name}: {{no_such_key: 1}}"))
            .fail();
        assert_eq!(code, 2, "{name}: {message}");
        // A script has the keys of an entry, and parameters below `params`.
        let word = if name == "script" { "key" } else { "parameter" };
        assert!(
            message.contains(&format!("unknown {word} `no_such_key`")),
            "{name}: {message}"
        );
        assert!(message.contains("recipe.yaml:"), "{name}: {message}");
    }
}
