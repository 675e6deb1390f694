//! The handover of saved state from one build of a callback to another, when a run is resumed. Owns how
//! the state is handed over and what is said about it; whether it can be read is the callback's own answer.

use std::fmt;

use anyhow::{Context as _, Result, ensure};
use phasebox_contract::limits::Limit;
use phasebox_train::callback::{Callback as _, CallbackState};

use crate::plugin::Plugin;
use crate::stored;

impl Plugin {
    /// Takes over the state that a checkpoint holds of a callback of this name.
    ///
    /// # Errors
    /// If the state cannot be read; says which build saved it and what to do.
    pub(crate) fn take_over_state(&mut self, saved: CallbackState) -> Result<()> {
        let handover = Handover::of(self, &saved);
        let is_there = saved.bytes.is_some() || !saved.tensors.is_empty();
        self.restore(saved).with_context(|| handover.refusal())?;
        if is_there {
            handover.announce();
        }
        Ok(())
    }

    fn restore(&mut self, saved: CallbackState) -> Result<()> {
        ensure!(
            saved.bytes.is_none() || saved.state_version <= self.state_version,
            "it reads state up to version {}",
            self.state_version
        );
        let state = self.instance.state_mut();
        state.random.draws = saved.random_draws;
        state.stored = stored::from_checkpoint(saved.tensors)?;
        // Not refused: a checkpoint that was written may be read, also under a smaller limit.
        let bytes = state.usage.used(Limit::Tensors) + state.stored_bytes();
        state.usage.set(Limit::Tensors, bytes);
        self.saved.clone_from(&saved.bytes);
        match saved.bytes {
            Some(bytes) => self.load_guest_state(bytes),
            None => {
                self.warn_of_no_state();
                Ok(())
            }
        }
    }
}

impl Plugin {
    /// A callback that saves state and finds none begins anew, which its numbers may show much later.
    fn warn_of_no_state(&self) {
        if self.component.export("save-state").is_some() {
            tracing::warn!(
                "callback `{}` begins anew: the checkpoint has no state of it, since it failed before it had saved any",
                self.settings.name
            );
        }
    }
}

/// The build that saved a state and the build that is to read it.
struct Handover {
    callback: String,
    from: Build,
    to: Build,
}

struct Build {
    sha256: String,
    version: String,
    state_version: u32,
}

impl Handover {
    /// Made before the state is handed over, which consumes it.
    fn of(reader: &Plugin, saved: &CallbackState) -> Handover {
        Handover {
            callback: reader.name().to_owned(),
            from: Build {
                sha256: saved.sha256.clone(),
                version: saved.version.clone(),
                state_version: saved.state_version,
            },
            to: Build {
                sha256: reader.code.sha256.to_string(),
                version: reader.version.clone(),
                state_version: reader.state_version,
            },
        }
    }

    /// The sentence that stands before the reader's own words.
    fn refusal(&self) -> String {
        let Handover { callback, from, to } = self;
        format!(
            "callback `{callback}` does not take the state that the checkpoint has of it: {from} saved it, and {to} reads it; \
             resume with the file that saved it, or begin without its state: `on_state: fresh` in the callback's entry"
        )
    }

    /// Logs one line if another build goes on with the state.
    fn announce(&self) {
        let Handover { callback, from, to } = self;
        if from.sha256 != to.sha256 {
            tracing::info!("callback `{callback}`: {to} goes on with the state of {from}");
        }
    }
}

impl fmt::Display for Build {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sha256 = &self.sha256;
        let version = match self.version.as_str() {
            "" => "of no version",
            version => version,
        };
        let state_version = self.state_version;
        write!(
            formatter,
            "sha256:{sha256} ({version}, state version {state_version})"
        )
    }
}
