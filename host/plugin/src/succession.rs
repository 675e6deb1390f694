//! A callback that goes on with the state of another build of it. Owns how the state is handed over and what is
//! said about it; whether it can be read is the callback's own answer.

use anyhow::{Context as _, Result, bail, ensure};
use phasebox_contract::limits::Limit;
use phasebox_train::callback::CallbackState;

use super::Plugin;
use super::store::{self, Stored};

impl Plugin {
    /// Hands over what a checkpoint holds of a callback of this name.
    ///
    /// # Errors
    /// If it cannot be read; says by whom it was saved and what to do.
    pub(super) fn succeed(&mut self, saved: CallbackState) -> Result<()> {
        let succession = Succession::of(self, &saved);
        self.restore(saved)
            .with_context(|| succession.refusal(&self.name))?;
        succession.announce(&self.name);
        Ok(())
    }

    fn restore(&mut self, saved: CallbackState) -> Result<()> {
        ensure!(
            saved.bytes.is_none() || saved.state_version <= self.state_version,
            "it reads state up to version {}",
            self.state_version
        );
        let state = self.store.data_mut();
        state.random.draws = saved.random_draws;
        state.stored = store::restore(saved.tensors)?;
        let bytes = state.stored.values().map(Stored::bytes).sum::<u64>();
        // Not refused: a checkpoint that was written may be read, also under a smaller limit.
        state
            .usage
            .set(Limit::Tensors, state.usage.used(Limit::Tensors) + bytes);
        self.saved.clone_from(&saved.bytes);
        saved.bytes.map_or(Ok(()), |bytes| self.load_bytes(bytes))
    }

    pub(super) fn load_bytes(&mut self, bytes: Vec<u8>) -> Result<()> {
        let Some(load) = self.load_state.take() else {
            bail!("{} does not export `load-state`", self.path);
        };
        let answer = self.run("load-state", |store| load.call(store, (bytes,)));
        self.load_state = Some(load);
        self.accept(answer?.0, "cannot read its saved state")
    }
}

/// Who saved a state and who is to read it.
struct Succession {
    from: Build,
    to: Build,
}

struct Build {
    sha256: String,
    version: String,
    state_version: u32,
}

impl Succession {
    /// To be asked before the state is handed over.
    fn of(reader: &Plugin, saved: &CallbackState) -> Succession {
        Succession {
            from: Build {
                sha256: saved.sha256.clone(),
                version: saved.version.clone(),
                state_version: saved.state_version,
            },
            to: Build {
                sha256: reader.sha256.clone(),
                version: reader.version.clone(),
                state_version: reader.state_version,
            },
        }
    }

    /// What stands before the reader's own words.
    fn refusal(&self, name: &str) -> String {
        format!(
            "callback `{name}`: the checkpoint holds its state as {} saved it, and {} does not take it; resume with the \
             file that saved it, or begin without its state: `on_state: fresh` in the callback's entry",
            self.from, self.to
        )
    }

    /// One line in the log, where it is another build that goes on.
    fn announce(&self, name: &str) {
        if self.from.sha256 != self.to.sha256 {
            tracing::info!(
                "callback `{name}`: {} goes on with the state of {}",
                self.to,
                self.from
            );
        }
    }
}

impl std::fmt::Display for Build {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let version = if self.version.is_empty() {
            "of no version"
        } else {
            &self.version
        };
        write!(
            formatter,
            "sha256:{} ({version}, state version {})",
            self.sha256, self.state_version
        )
    }
}
