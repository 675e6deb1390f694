//! The contract's `storage`: named tensors that outlive calls, and that checkpoints keep.

use torch_ext::owned_copy;
use wasmtime::component::Resource;

use super::argument_checks::check_word;
use crate::bindings::storage::Host;
use crate::bindings::types::ErrorCode;
use crate::error::{HostResult, clip, refuse};
use crate::markers::{GroupHandle, TensorHandle};
use crate::owner::Owner;
use crate::state::PluginState;
use crate::stored::Stored;

/// The most names that one callback may keep tensors under.
const MAX_NAMES: usize = 1024;
/// The longest such name.
const MAX_NAME_BYTES: usize = 256;

impl PluginState {
    /// Refuses a name that cannot be used, or one name too many.
    fn check_name(&self, name: &str) -> HostResult<()> {
        check_word(name)?;
        if !is_name(name) {
            let name = clip(name);
            return refuse(
                ErrorCode::InvalidArgument,
                format!(
                    "`{name}` is no name to keep a tensor under: 1 to {MAX_NAME_BYTES} printable bytes, without `//` or `/` at its end"
                ),
            );
        }
        if self.stored.len() >= MAX_NAMES && !self.stored.contains_key(name) {
            return refuse(
                ErrorCode::QuotaExceeded,
                format!("{MAX_NAMES} names are in use: `forget` some"),
            );
        }
        Ok(())
    }

    /// Keeps `stored`, which has been charged, in place of what had the name.
    fn put(&mut self, name: String, stored: Stored) {
        if let Some(previous) = self.stored.insert(name, stored) {
            self.release_kept(previous.bytes());
        }
    }
}

impl Host for PluginState {
    fn store_tensor(&mut self, name: String, value: Resource<TensorHandle>) -> HostResult<()> {
        self.check_name(&name)?;
        self.launch(1)?;
        let bytes = torch_ext::bytes(self.tensor(&value)?);
        self.charge_kept(bytes)?;
        let copy = owned_copy(self.tensor(&value)?);
        let copy = copy.inspect_err(|_| self.release_kept(bytes))?;
        self.put(name, Stored::Tensor(copy));
        Ok(())
    }

    fn load_tensor(&mut self, name: String) -> HostResult<Option<Resource<TensorHandle>>> {
        check_word(&name)?;
        match self.stored.get(&name) {
            None => Ok(None),
            Some(Stored::Tensor(tensor)) => {
                let tensor = tensor.shallow_clone();
                self.lend(tensor, Owner::Callback).map(Some)
            }
            Some(Stored::Group(_)) => refuse(
                ErrorCode::InvalidArgument,
                format!("`{}` is a group: use `load-group`", clip(&name)),
            ),
        }
    }

    fn store_group(&mut self, name: String, value: Resource<GroupHandle>) -> HostResult<()> {
        self.check_name(&name)?;
        let (members, _) = self.copy_group(&value)?;
        self.put(name, Stored::Group(members));
        Ok(())
    }

    fn load_group(&mut self, name: String) -> HostResult<Option<Resource<GroupHandle>>> {
        check_word(&name)?;
        match self.stored.get(&name) {
            None => Ok(None),
            Some(Stored::Group(members)) => {
                let members = members.clone();
                self.lend_group(members, Owner::Callback).map(Some)
            }
            Some(Stored::Tensor(_)) => refuse(
                ErrorCode::InvalidArgument,
                format!("`{}` is one tensor: use `load-tensor`", clip(&name)),
            ),
        }
    }

    fn forget(&mut self, name: String) -> HostResult<bool> {
        check_word(&name)?;
        let removed = self.stored.remove(&name);
        if let Some(stored) = &removed {
            self.release_kept(stored.bytes());
        }
        Ok(removed.is_some())
    }
}

/// `//` stands between the names of a group and its member in a checkpoint.
fn is_name(name: &str) -> bool {
    let printable = !name.chars().any(char::is_control);
    let length = (1..=MAX_NAME_BYTES).contains(&name.len());
    printable && length && !name.contains("//") && !name.ends_with('/')
}
