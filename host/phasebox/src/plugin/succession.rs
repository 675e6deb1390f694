//! A callback that goes on with the state of another build of it. Owns what is said about it; whether the state can be
//! read is the callback's own answer.

use super::Plugin;
use crate::callback::CallbackState;

/// Who saved a state and who is to read it.
pub(super) struct Succession {
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
    pub(super) fn of(reader: &Plugin, saved: &CallbackState) -> Succession {
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
    pub(super) fn refusal(&self, name: &str) -> String {
        format!(
            "callback `{name}`: the checkpoint holds its state as {} saved it, and {} does not take it; resume with the \
             file that saved it, or begin without its state: `on_state: fresh` in the callback's entry",
            self.from, self.to
        )
    }

    /// One line in the log, where it is another build that goes on.
    pub(super) fn announce(&self, name: &str) {
        if self.from.sha256 != self.to.sha256 {
            tracing::info!("callback `{name}`: {} goes on with the state of {}", self.to, self.from);
        }
    }
}

impl std::fmt::Display for Build {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let version = if self.version.is_empty() { "of no version" } else { &self.version };
        write!(formatter, "sha256:{} ({version}, state version {})", self.sha256, self.state_version)
    }
}
