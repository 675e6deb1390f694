//! A folder of its own for each case, and the real binary run in it. Knows nothing of what a run leaves there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::recipes::TINY;
use super::repository;
use super::run_folder::Run;
use crate::device::test_device;

/// A folder for one case: its recipe, its callbacks, its runs.
pub(crate) struct Scratch(TempDir);

impl Scratch {
    pub(crate) fn new() -> Scratch {
        Scratch(tempfile::tempdir().expect("a folder for the case"))
    }

    /// A folder with [`TINY`] and these callbacks.
    pub(crate) fn with_callbacks(callbacks: &str) -> Scratch {
        let scratch = Scratch::new();
        scratch.write("recipe.yaml", format!("{TINY}{callbacks}"));
        scratch
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
        command.args(device_of(arguments));
        command.env(
            "XDG_CACHE_HOME",
            Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache"),
        );
        // The user's own callbacks and log-ins are no part of a case.
        command
            .env("XDG_DATA_HOME", self.path("data-home"))
            .env("DOCKER_CONFIG", self.path("docker"))
            .env_remove("SSL_CERT_FILE")
            .env_remove("PHASEBOX_PLUGINS");
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

    /// Sends a process the signal of this name, without `SIG`.
    pub(crate) fn signal(&self, child: &Child, signal: &str) {
        let kill = format!("kill -{signal} {}", child.id());
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

    /// [`Scratch::train`] for a run that has to succeed, and its folder.
    pub(crate) fn trained(&self, arguments: &[&str]) -> Run {
        let finished = self.train(arguments);
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
        self.run()
    }

    /// The run in this folder. A case starts one run, and may resume it.
    pub(crate) fn run(&self) -> Run {
        self.started_run().expect("a run was started")
    }

    /// [`Scratch::run`], once its folder is there.
    pub(crate) fn started_run(&self) -> Option<Run> {
        let mut runs = fs::read_dir(self.path("runs/tiny")).ok()?;
        runs.next()
            .map(|entry| Run(entry.expect("a readable folder").path()))
    }

    /// The component of a stock callback.
    pub(crate) fn stock(&self, name: &str) -> PathBuf {
        repository("target/plugins")
            .join(name)
            .with_extension("wasm")
    }

    /// `text` without the name of this folder.
    pub(crate) fn readable(&self, text: &str) -> String {
        text.replace(&self.0.path().display().to_string(), "[here]")
    }
}

/// The flag that puts what a command trains or measures on the device of the tests, where that is not the CPU.
fn device_of(arguments: &[&str]) -> &'static [&'static str] {
    let command = arguments.first().copied().unwrap_or_default();
    let takes_one = ["train", "check", "eval", "predict"].contains(&command);
    if takes_one && test_device().is_cuda() && !arguments.contains(&"--device") {
        match command {
            "train" | "check" => &[
                "--device",
                "cuda",
                "training_hyperparams.deterministic_kernels=true",
            ],
            _ => &["--device", "cuda"],
        }
    } else {
        &[]
    }
}

/// A process that has ended.
pub(crate) struct Finished {
    /// None if a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}
