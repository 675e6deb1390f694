//! Stand-ins for what only Linux has, for authors' tools on other systems: components are compiled within this process, for
//! as long as that takes, and machine code is not kept. Runs are for Linux, and never use this. No check builds it.

/// In place of processes for tasks: there are none.
pub(crate) mod child {
    use std::path::Path;
    use std::sync::atomic::AtomicBool;
    use std::time::Duration;

    use anyhow::{Result, bail};

    use super::task::Task;

    /// The bounds of one process.
    #[allow(dead_code, reason = "no process is started that they would bound")]
    pub(crate) struct Bounds<'a> {
        pub(crate) time: Duration,
        pub(crate) memory: u64,
        pub(crate) answer: u64,
        pub(crate) interrupted: &'a AtomicBool,
    }

    /// The end of a process that has not done its task.
    pub(crate) enum Ended {}

    /// Refuses: no program is started for a task here.
    pub(crate) fn perform(
        _program: &Path,
        _task: Task,
        _input: &[u8],
        _bounds: &Bounds<'_>,
    ) -> Result<Result<Vec<u8>, Ended>> {
        bail!("tasks are done in a process of their own on Linux alone")
    }
}

/// In place of tasks of other processes.
pub(crate) mod task {
    use std::path::PathBuf;
    use std::process::ExitCode;

    /// One task.
    #[allow(dead_code, reason = "no process is told of it")]
    pub(crate) enum Task {
        /// The lines of source at these offsets.
        SourceLines(Vec<u64>),
    }

    /// No program is started for tasks.
    pub(crate) fn program() -> Option<PathBuf> {
        None
    }

    /// Does nothing: this program is never started for a task.
    pub fn run_component_task() -> Option<ExitCode> {
        None
    }
}

/// In place of compiling apart from this process.
pub(crate) mod compile {
    use phasebox_contract::limits::Limits;

    use crate::engine::Engine;
    use crate::wasi;

    /// The reason why a component has no code; its text follows the name of the file.
    #[allow(
        dead_code,
        reason = "nothing but the component's bytes decides it here"
    )]
    pub(crate) enum NoCode {
        /// Its bytes decide it.
        Refused(String),
        /// Something else decided it.
        Failed(String),
    }

    /// The component that [`load_fresh`](super::compiled::load_fresh) compiles, with its WASI answered.
    pub(crate) fn compile(
        _engine: &Engine,
        bytes: Vec<u8>,
        _limits: &Limits,
    ) -> Result<Vec<u8>, NoCode> {
        let provided = wasi::provided(&bytes).map(|provided| provided.into_owned());
        provided.map_err(|error| NoCode::Refused(format!("cannot be compiled: {error:#}")))
    }
}

/// In place of machine code that is kept.
pub(crate) mod compiled {
    use std::fs::Metadata;
    use std::path::Path;

    use anyhow::{Result, anyhow, bail};
    use phasebox_contract::digest::Digest;
    use phasebox_contract::limits::Limits;
    use wasmtime::Engine;
    use wasmtime::component::Component;

    /// Keeps nothing.
    pub(crate) struct CompiledCode;

    impl CompiledCode {
        pub(crate) fn open(_directory: &Path) -> CompiledCode {
            CompiledCode
        }

        pub(crate) fn describe(&self) -> Result<String> {
            bail!("compiled callbacks are kept on Linux alone")
        }

        pub(crate) fn digest_of(&self, _source: &Metadata) -> Option<Digest> {
            None
        }

        pub(crate) fn remember(&self, _source: &Metadata, _sha256: Digest) {}

        pub(crate) fn find(&self, _engine: &Engine, _sha256: Digest) -> Option<Component> {
            None
        }

        pub(crate) fn keep(&self, _engine: &Engine, _sha256: Digest, _code: &[u8]) {}

        pub(crate) fn refusal(
            &self,
            _engine: &Engine,
            _sha256: Digest,
            _limits: &Limits,
        ) -> Option<String> {
            None
        }

        pub(crate) fn keep_refusal(
            &self,
            _engine: &Engine,
            _sha256: Digest,
            _limits: &Limits,
            _reason: &str,
        ) {
        }
    }

    /// Compiles a component in this process.
    pub(crate) fn load_fresh(engine: &Engine, component: &[u8]) -> Result<Component> {
        Component::new(engine, component).map_err(|error| anyhow!(error))
    }
}
