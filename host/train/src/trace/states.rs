//! States of callbacks that a resumed run goes on with: copied before anybody changes them, written between the header and
//! the first phase, and read back for a replay.

use anyhow::Result;

use super::event::{StateLine, StoredTensor};
use super::reader::TraceFile;
use super::tensors::Copy;
use crate::callback::CallbackState;
use crate::checkpoint::SavedCallback;

/// A callback's state, apart from libtorch.
pub(super) struct StateCopy {
    callback: String,
    sha256: String,
    version: String,
    state_version: u32,
    random_draws: u64,
    bytes: Option<Copy>,
    tensors: Vec<Copy>,
}

impl StateCopy {
    /// Copies a state of any device. Syncs.
    pub(super) fn of(SavedCallback { name, state }: &SavedCallback) -> Result<StateCopy> {
        let tensors = state.tensors.iter();
        let tensors = tensors.map(|(name, tensor)| Copy::of(name, tensor));
        Ok(StateCopy {
            callback: name.clone(),
            sha256: state.sha256.clone(),
            version: state.version.clone(),
            state_version: state.state_version,
            random_draws: state.random_draws,
            bytes: state.bytes.as_deref().map(Copy::of_bytes),
            tensors: tensors.collect::<Result<_>>()?,
        })
    }

    /// Everything that has bytes in `tensors.bin`, in their order there.
    pub(super) fn copies(&self) -> impl Iterator<Item = &Copy> {
        self.bytes.iter().chain(&self.tensors)
    }

    /// The line, with the places of its bytes from `at` on.
    pub(super) fn line(&self, at: u64) -> Result<StateLine> {
        let mut next = at;
        let mut stored = |copy: &Copy| {
            let at = next;
            next += copy.bytes.len() as u64;
            copy.stored(at)
        };
        Ok(StateLine {
            state: self.callback.clone(),
            sha256: self.sha256.clone(),
            version: self.version.clone(),
            state_version: self.state_version,
            random_draws: self.random_draws,
            bytes: self.bytes.as_ref().map(&mut stored).transpose()?,
            tensors: self.tensors.iter().map(stored).collect::<Result<_>>()?,
        })
    }
}

/// The bytes that the states take. Does not sync.
pub(super) fn bytes_of(states: &[SavedCallback]) -> u64 {
    let states = states.iter().map(|saved| &saved.state);
    let each = states.map(|state| {
        let own = state.bytes.as_ref().map_or(0, Vec::len) as u64;
        let tensors = state.tensors.iter();
        own + tensors
            .map(|(_, tensor)| torch_ext::bytes(tensor))
            .sum::<u64>()
    });
    each.sum()
}

impl TraceFile {
    /// True if the trace is of a resumed run and has the state that the callback of that name went on with.
    pub fn has_state_of(&self, callback: &str) -> bool {
        self.state_line(callback).is_some()
    }

    /// The state that the callback of that name went on with, on the CPU; none if the trace has none.
    ///
    /// # Errors
    /// A file that cannot be read, or a state that makes no sense.
    pub(super) fn state_of(&self, callback: &str) -> Result<Option<SavedCallback>> {
        let Some(line) = self.state_line(callback) else {
            return Ok(None);
        };
        let named = |stored: &StoredTensor| -> Result<_> {
            Ok((stored.name.clone(), self.tensor(stored)?))
        };
        let bytes = line.bytes.as_ref().map(|stored| self.bytes(stored));
        Ok(Some(SavedCallback {
            name: line.state.clone(),
            state: CallbackState {
                bytes: bytes.transpose()?,
                random_draws: line.random_draws,
                tensors: line.tensors.iter().map(named).collect::<Result<_>>()?,
                sha256: line.sha256.clone(),
                version: line.version.clone(),
                state_version: line.state_version,
            },
        }))
    }

    fn state_line(&self, callback: &str) -> Option<&StateLine> {
        self.states.iter().find(|line| line.state == callback)
    }
}
