//! A process for one [`Task`]: started, fed, waited for and killed. Owns time, the size of the answer, and what became of
//! the process; the process bounds its memory itself.

use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, getpid};

use crate::task::{ARGUMENT, Order, REFUSED, Task};

/// The time between two looks at a process: a hundredth of what compiling a small component takes.
const BETWEEN_LOOKS: Duration = Duration::from_millis(1);

/// The bounds of one process.
pub(crate) struct Bounds<'a> {
    pub(crate) time: Duration,
    /// The most bytes of its memory.
    pub(crate) memory: u64,
    /// The most bytes of its answer.
    pub(crate) answer: u64,
    /// Ends it soon after it is set.
    pub(crate) interrupted: &'a AtomicBool,
}

/// The end of a process that has not done its task.
pub(crate) enum Ended {
    /// The component is at fault; the text says how.
    Refused(String),
    /// It took too long.
    Time,
    /// It took too much memory.
    Memory,
    /// The whole program was asked to end.
    Interrupted,
    /// None of these.
    Failed(String),
}

/// Starts `program` for a task on `input`. Returns its answer.
///
/// # Errors
/// If it cannot be started.
pub(crate) fn perform(
    program: &Path,
    task: Task,
    input: &[u8],
    bounds: &Bounds<'_>,
) -> Result<Result<Vec<u8>, Ended>> {
    let mut child = start(program, task, bounds.memory)?;
    let (input_end, output_end) = (child.stdin.take(), child.stdout.take());
    let (status, answer) = std::thread::scope(|scope| {
        scope.spawn(move || feed(input_end, input));
        let answer = scope.spawn(|| read(output_end, bounds.answer));
        let status = wait(&mut child, bounds);
        (status, answer.join().unwrap_or_default())
    });
    Ok(status.and_then(|status| outcome(status, answer, bounds.answer)))
}

fn start(program: &Path, task: Task, memory: u64) -> Result<Child> {
    let parent = Pid::as_raw_pid(getpid());
    let order = Order {
        task,
        memory,
        parent,
    };
    Command::new(program)
        .arg(ARGUMENT)
        .arg(serde_json::to_string(&order)?)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("{} cannot be started", program.display()))
}

fn feed(input_end: Option<ChildStdin>, input: &[u8]) {
    // A process that ends early does not read all: its exit code says why.
    let _ = input_end.map(|mut end| end.write_all(input));
}

/// The answer, and one byte more than it may have if there are more. What is not read breaks the writer's pipe.
fn read(output_end: Option<ChildStdout>, most: u64) -> Vec<u8> {
    let mut answer = Vec::new();
    if let Some(end) = output_end {
        // What could not be read is missed by whoever checks the answer.
        let _ = end.take(most.saturating_add(1)).read_to_end(&mut answer);
    }
    answer
}

/// Waits until the process ends, and ends it if it may not go on.
fn wait(child: &mut Child, bounds: &Bounds<'_>) -> Result<ExitStatus, Ended> {
    let begun = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status),
            Ok(None) => {}
            Err(error) => return Err(Ended::Failed(format!("it cannot be waited for: {error}"))),
        }
        let reason = if bounds.interrupted.load(Ordering::Relaxed) {
            Ended::Interrupted
        } else if begun.elapsed() >= bounds.time {
            Ended::Time
        } else {
            std::thread::sleep(BETWEEN_LOOKS);
            continue;
        };
        // A process that has ended meanwhile cannot be killed, and need not.
        let _ = child.kill();
        let _ = child.wait();
        return Err(reason);
    }
}

fn outcome(status: ExitStatus, answer: Vec<u8>, most: u64) -> Result<Vec<u8>, Ended> {
    let is_whole = answer.len() as u64 <= most;
    if status.success() && is_whole {
        return Ok(answer);
    }
    if status.code() == Some(REFUSED.into()) {
        return Err(Ended::Refused(
            String::from_utf8_lossy(&answer).into_owned(),
        ));
    }
    // An allocation that fails ends a program of Rust by SIGABRT. SIGKILL is the kernel's, short of memory itself.
    let by_memory = [Signal::ABORT, Signal::KILL].map(Signal::as_raw);
    if status
        .signal()
        .is_some_and(|signal| by_memory.contains(&signal))
    {
        return Err(Ended::Memory);
    }
    Err(match is_whole {
        true => Ended::Failed(format!("{status}")),
        false => Ended::Failed(format!("its answer has more than {most} bytes")),
    })
}
