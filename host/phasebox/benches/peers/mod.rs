//! PyTorch and Lightning in a Python process, which is asked for one timing after another. The process lives as long as
//! the benchmark, so that only steps are timed and never an import. Owns the process; `peers.py` runs in it.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result};
use serde_json::json;
use tch::Device;

use crate::measure::repository;
use crate::networks::Network;

/// Names the Python that has PyTorch and Lightning; `cargo xtask bench --peers` sets it.
const PYTHON: &str = "PHASEBOX_PEERS_PYTHON";

/// The process, waiting for a request.
pub(crate) struct Peers {
    process: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Peers {
    /// Starts the process; none where nobody asked for a comparison.
    pub(crate) fn start() -> Result<Option<Peers>> {
        std::env::var_os(PYTHON).map(Peers::with).transpose()
    }

    fn with(python: OsString) -> Result<Peers> {
        let mut command = Command::new(&python);
        command.arg(repository("host/phasebox/benches/peers/peers.py"));
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

    /// Microseconds of one step of `network` with `runner`.
    pub(crate) fn microseconds(
        &mut self,
        network: &Network,
        runner: &str,
        device: Device,
        threads: usize,
    ) -> Result<f64> {
        let (network, steps) = (network.name, network.steps());
        let device = if device == Device::Cpu { "cpu" } else { "cuda" };
        let request = json!({
            "network": network, "runner": runner, "steps": steps, "threads": threads, "device": device
        });
        writeln!(self.requests, "{request}")?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        answer
            .trim()
            .parse()
            .with_context(|| format!("{runner} failed on {network}: see its message above"))
    }
}

impl Drop for Peers {
    fn drop(&mut self) {
        // The process would end by itself once its input is closed; nothing is lost by ending it now.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
