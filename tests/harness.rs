//! Runs the real binary in a folder of its own and reads what it leaves there. Knows the layout of a run's folder and
//! the smallest recipe; what is right is for the cases to say.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// The smallest recipe that has every part: 5 train, 2 validation and 1 test batches an epoch, 2 batches a step.
/// Callbacks follow at its end, each indented by two.
pub(crate) const TINY: &str = "\
experiment_name: tiny
dataset: {digits: {test_fraction: 0.1}}
train_dataloader_params: {batch_size: 16}
val_dataloader_params: {batch_size: 180}
architecture: mlp
arch_params: {hidden: [16]}
training_hyperparams:
  max_epochs: 2
  max_train_batches: 5
  batch_accumulate: 2
  initial_lr: 0.01
  lr_mode: Constant
  loss: CrossEntropyLoss
  train_metrics_list: [Accuracy]
  valid_metrics_list: [Accuracy]
  average_best_models: true
phase_callbacks:
";

/// A folder for one case: its recipe, its callbacks, its runs.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Place {
        Place(tempfile::tempdir().expect("a folder for the case"))
    }

    /// A place with [`TINY`] and these callbacks.
    pub(crate) fn with_callbacks(callbacks: &str) -> Place {
        let place = Place::new();
        place.write("recipe.yaml", format!("{TINY}{callbacks}"));
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).expect("the case's folder can be written");
    }

    /// `phasebox ARGUMENTS`, here. Compiled callbacks are kept beside the tests, not in the user's cache.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_phasebox"));
        command.args(arguments).current_dir(self.0.path());
        command.env(
            "XDG_CACHE_HOME",
            Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache"),
        );
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs a command to its end.
    pub(crate) fn phasebox(&self, arguments: &[&str]) -> Finished {
        self.finish(self.start(arguments))
    }

    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).spawn().expect("the binary starts")
    }

    /// Sends SIGTERM.
    pub(crate) fn terminate(&self, child: &Child) {
        let kill = format!("kill -TERM {}", child.id());
        assert!(
            Command::new("sh")
                .args(["-c", &kill])
                .status()
                .expect("a shell")
                .success()
        );
    }

    /// Waits for a process that was started here.
    pub(crate) fn finish(&self, child: Child) -> Finished {
        let output = child.wait_with_output().expect("the process ends");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("messages are UTF-8");
        Finished {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    /// `phasebox train recipe.yaml ARGUMENTS`.
    pub(crate) fn train(&self, arguments: &[&str]) -> Finished {
        self.phasebox(&[&["train", "recipe.yaml"], arguments].concat())
    }

    /// [`Place::train`] for a run that has to succeed, and its folder.
    pub(crate) fn trained(&self, arguments: &[&str]) -> Run {
        let finished = self.train(arguments);
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
        self.run()
    }

    /// The run of this place; a case starts one alone, and may resume it.
    pub(crate) fn run(&self) -> Run {
        self.started_run().expect("a run was started")
    }

    /// [`Place::run`], once its folder is there.
    pub(crate) fn started_run(&self) -> Option<Run> {
        let mut runs = fs::read_dir(self.path("runs/tiny")).ok()?;
        runs.next()
            .map(|entry| Run(entry.expect("a readable folder").path()))
    }

    /// The component of a stock callback.
    pub(crate) fn stock(&self, name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../target/plugins")
            .join(name)
            .with_extension("wasm")
    }

    /// `text` without the name of this folder.
    pub(crate) fn readable(&self, text: &str) -> String {
        text.replace(&self.0.path().display().to_string(), "[here]")
    }
}

/// A process that has ended.
pub(crate) struct Finished {
    /// None if a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A run's folder.
pub(crate) struct Run(pub(crate) PathBuf);

impl Run {
    pub(crate) fn path(&self) -> &str {
        self.0.to_str().expect("a path in UTF-8")
    }

    pub(crate) fn summary(&self) -> Value {
        self.json("summary.json")
    }

    /// What the summary says of the callback `name`.
    pub(crate) fn callback(&self, name: &str) -> Value {
        let summary = self.summary();
        let all = summary["plugins"].as_array().expect("a list of callbacks");
        all.iter()
            .find(|callback| callback["name"] == name)
            .expect("the callback is in the summary")
            .clone()
    }

    pub(crate) fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.text(name)).expect("valid JSON")
    }

    pub(crate) fn text(&self, name: &str) -> String {
        String::from_utf8(self.bytes(name)).expect("text in UTF-8")
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.join(name).exists()
    }

    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        let path = self.0.join(name);
        fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Every value that was logged, in order, without the time.
    pub(crate) fn metrics(&self) -> Vec<Value> {
        let lines = self.text("metrics.jsonl");
        let values = lines
            .lines()
            .map(|line| serde_json::from_str(line).expect("one JSON object a line"));
        values
            .map(|mut line: Value| {
                line.as_object_mut().expect("an object").remove("time");
                line
            })
            .collect()
    }

    /// The lines that the stock callback `trace` wrote.
    pub(crate) fn trace(&self) -> String {
        self.text("artifacts/trace/trace.txt")
    }
}

/// Snapshots without what differs from run to run and machine to machine: times, digests, versions, places.
pub(crate) fn settings() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"RUN_\d{8}_\d{6}_\w+", "[run]");
    settings.add_filter(r"\b[0-9a-f]{64}\b", "[sha256]");
    settings.add_filter(r"\S*/plugins/", "[stock]/");
    settings.add_filter(r"known: early-stopping, .*", "known: [stock]");
    settings.add_filter(r"\d+(\.\d+)? (ms|s)\b", "[time]");
    settings.add_filter(r"phasebox \d+\.\d+\.\d+", "phasebox [version]");
    settings
}
