//! The contract's `storage`: named tensors that outlive calls, and that checkpoints keep.

use tch::Tensor;
use torch_ext::owned_copy;
use wasmtime::component::Resource;

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
    fn check_name(&self, name: &str) -> HostResult<()> {
        let printable =
            !name.is_empty() && name.len() <= MAX_NAME_BYTES && !name.chars().any(char::is_control);
        if !printable || name.contains("//") || name.ends_with('/') {
            return refuse(
                ErrorCode::InvalidArgument,
                format!(
                    "`{}` is no name to keep a tensor under: 1 to {MAX_NAME_BYTES} printable bytes, without `//` or `/` at its end",
                    clip(name)
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
        let tensor: Tensor =
            owned_copy(self.tensor(&value)?).inspect_err(|_| self.release_kept(bytes))?;
        self.put(name, Stored::Tensor(tensor));
        Ok(())
    }

    fn load_tensor(&mut self, name: String) -> HostResult<Option<Resource<TensorHandle>>> {
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
        let removed = self.stored.remove(&name);
        if let Some(stored) = &removed {
            self.release_kept(stored.bytes());
        }
        Ok(removed.is_some())
    }
}
