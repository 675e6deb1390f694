//! A Python process, which is asked for one timing after another. It lives as long as the benchmark, so that only steps are
//! timed and never an import. Owns the process; a script beside this module runs in it.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::measure::repository;

/// Names the Python that has PyTorch, Lightning and OpenCV; `cargo xtask bench --peers` sets it.
const PYTHON: &str = "PHASEBOX_PEERS_PYTHON";

/// The process, waiting for a request.
pub(crate) struct Peers {
    process: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Peers {
    /// Starts a script of this folder; none where nobody asked for a comparison.
    pub(crate) fn start(script: &str) -> Result<Option<Peers>> {
        let python = std::env::var_os(PYTHON);
        python.map(|python| Peers::with(python, script)).transpose()
    }

    fn with(python: OsString, script: &str) -> Result<Peers> {
        let mut command = Command::new(&python);
        command.arg(repository("host/phasebox/benches/peers").join(script));
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut process =
            spawned.with_context(|| format!("{} does not start", python.display()))?;
        let requests = process.stdin.take().context("the peers take no requests")?;
        let answers = BufReader::new(process.stdout.take().context("the peers give no answers")?);
        Ok(Peers {
            process,
            requests,
            answers,
        })
    }

    /// The number that the script answers a request with.
    pub(crate) fn ask(&mut self, request: &Value) -> Result<f64> {
        writeln!(self.requests, "{request}")?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        let answer = answer.trim().parse();
        answer.with_context(|| format!("{request} failed: see the message above"))
    }
}

impl Drop for Peers {
    fn drop(&mut self) {
        // The process would end by itself once its input is closed; nothing is lost by ending it now.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
