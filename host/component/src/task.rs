//! The tasks that are done in a process of their own, since a stranger's file decides what they cost. Owns how a task is
//! told and the bounds that its process sets itself; `child` starts it, waits for it and kills it.

use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Result, anyhow, ensure};
use rustix::process::{
    Pid, Resource, Rlimit, Signal, getppid, set_parent_process_death_signal, setrlimit,
};
use serde::{Deserialize, Serialize};

use crate::engine::{Profile, wasmtime_engine};
use crate::{source_lines, wasi};

/// The first argument of a program that was started for a task.
pub(crate) const ARGUMENT: &str = "component-task";
/// The exit code of a task that cannot be done with this component: the output says why.
pub(crate) const REFUSED: u8 = 3;

/// One task. Its input is the bytes of a component.
#[derive(Serialize, Deserialize)]
pub(crate) enum Task {
    /// Machine code for a profile.
    Compile(Profile),
    /// The lines of source at these offsets of the file, as JSON. It may take a second of a processor.
    SourceLines(Vec<u64>),
}

/// A task and the bounds of its process.
#[derive(Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) task: Task,
    /// The most bytes of memory.
    pub(crate) memory: u64,
    /// The process that waits for the answer.
    pub(crate) parent: i32,
}

/// True in a program that does tasks when it is started for them.
static DOES_TASKS: AtomicBool = AtomicBool::new(false);

/// The program to start for a task, which is this one; none if its `main` does not do tasks.
pub(crate) fn program() -> Option<PathBuf> {
    let does_tasks = DOES_TASKS.load(Ordering::Relaxed);
    does_tasks.then(|| PathBuf::from("/proc/self/exe"))
}

/// Does the task that this program was started for, if it was started for one. A `main` that calls this before all else
/// has components compiled in a process of their own; in any other program they are compiled on a thread.
pub fn run_component_task() -> Option<ExitCode> {
    DOES_TASKS.store(true, Ordering::Relaxed);
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next()? != ARGUMENT {
        return None;
    }
    let order = arguments.next().and_then(|order| order.into_string().ok());
    let answer = order
        .ok_or_else(|| anyhow!("a task is missing"))
        .and_then(|order| perform(&order));
    let (code, bytes) = match answer {
        Ok(bytes) => (ExitCode::SUCCESS, bytes),
        Err(error) => (ExitCode::from(REFUSED), format!("{error:#}").into_bytes()),
    };
    // A parent that no longer listens has ended, or has enough.
    let _ = std::io::stdout().write_all(&bytes);
    Some(code)
}

fn perform(order: &str) -> Result<Vec<u8>> {
    let order: Order = serde_json::from_str(order)?;
    bound(&order)?;
    let mut component = Vec::new();
    std::io::stdin().read_to_end(&mut component)?;
    match order.task {
        Task::Compile(profile) => {
            let engine = wasmtime_engine(profile)?;
            let code = engine.precompile_component(&wasi::provided(&component)?);
            code.map_err(refusal)
        }
        Task::SourceLines(offsets) => {
            let lines = source_lines::lines_of_source(&wasi::provided(&component)?, &offsets);
            Ok(serde_json::to_vec(&lines)?)
        }
    }
}

/// The engine's words about a component. Where memory is missing, this process ends as an allocation that fails ends it.
fn refusal(error: wasmtime::Error) -> anyhow::Error {
    if error.is::<wasmtime::OutOfMemory>() {
        std::process::abort();
    }
    anyhow!("{error:#}")
}

/// Ends this process with the one that waits for it, bounds its memory, and lets it leave no core file. A panic ends it at
/// once: without memory for a backtrace, printing one waits for ever.
fn bound(order: &Order) -> Result<()> {
    std::panic::set_hook(Box::new(|_| std::process::abort()));
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let parent = getppid().map(Pid::as_raw_pid);
    ensure!(parent == Some(order.parent), "nobody waits any more");
    if let Task::SourceLines(_) = order.task {
        limit(Resource::Cpu, source_lines::SECONDS)?;
    }
    limit(Resource::Data, order.memory)?;
    limit(Resource::Core, 0)
}

fn limit(resource: Resource, most: u64) -> Result<()> {
    let most = Some(most);
    setrlimit(
        resource,
        Rlimit {
            current: most,
            maximum: most,
        },
    )?;
    Ok(())
}
