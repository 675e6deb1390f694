//! What a callback's store holds: its grants and limits, its handles, and, during a call, the context it
//! is lent. Owns the small steps all host functions are made of: look a handle up, check, count, hand out.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use tch::{Device, Tensor};
use torch_ext::Deferred;
use wasmtime::component::Resource;

use super::arena::Arena;
use super::bindings::phasebox::train::types::ErrorCode;
use super::error::{HostResult, refusal, refuse};
use super::grants::{Grant, Grants};
use super::handles::{DeferredHandle, GroupEntry, GroupHandle, Members, Owner, TensorEntry, TensorHandle};
use super::limits::{Deadline, Limits, MemoryLimiter};
use super::random::Random;
use crate::context::Context;
use crate::counters::Counters;

/// Results with more elements are refused before they are made: 2 GiB of the widest dtypes.
pub(crate) const MAX_RESULT_ELEMENTS: u64 = 1 << 28;

/// The data of one callback's store.
pub(crate) struct PluginState {
    pub(crate) name: Arc<str>,
    pub(crate) grants: Grants,
    pub(crate) limits: Limits,
    pub(crate) limiter: MemoryLimiter,
    pub(crate) deadline: Deadline,
    pub(crate) counters: Counters,
    pub(crate) random: Random,
    /// Lent for one call.
    pub(crate) context: Option<Box<Context>>,
    pub(crate) tensors: Arena<TensorEntry>,
    pub(crate) groups: Arena<GroupEntry>,
    pub(crate) scalars: Arena<Deferred>,
    /// Tensors kept by name, in the order of their names. A group is kept under one name.
    pub(crate) stored: BTreeMap<String, Stored>,
    /// Kept by handles and storage.
    pub(crate) kept_bytes: u64,
    /// Made during the call in progress.
    pub(crate) call_bytes: u64,
    pub(crate) call_syncs: u64,
    /// Lines logged during the call in progress.
    pub(crate) call_lines: u32,
    /// What the guest said before it trapped.
    pub(crate) failure: Option<GuestFailure>,
}

/// What `storage` keeps under one name.
pub(crate) enum Stored {
    Tensor(Tensor),
    Group(Rc<Members>),
}

/// A panic or uncaught exception, as its SDK reported it.
#[derive(Clone, Debug)]
pub(crate) struct GuestFailure {
    pub(crate) message: String,
    pub(crate) location: String,
    pub(crate) traceback: String,
}

impl PluginState {
    pub(crate) fn new(
        name: Arc<str>,
        grants: Grants,
        limits: Limits,
        seed: u64,
        clock: Arc<AtomicU64>,
    ) -> PluginState {
        PluginState {
            random: Random::new(seed, &name),
            name,
            grants,
            limits,
            limiter: MemoryLimiter::new(limits.memory_bytes),
            deadline: Deadline::new(clock),
            counters: Counters::default(),
            context: None,
            tensors: Arena::new(limits.handles),
            groups: Arena::new(limits.handles),
            scalars: Arena::new(limits.handles),
            stored: BTreeMap::new(),
            kept_bytes: 0,
            call_bytes: 0,
            call_syncs: 0,
            call_lines: 0,
            failure: None,
        }
    }

    /// Handles of this call go stale; its budgets begin anew.
    pub(crate) fn end_call(&mut self) {
        self.tensors.end_call();
        self.groups.end_call();
        self.call_bytes = 0;
        self.call_syncs = 0;
        self.call_lines = 0;
    }

    /// The lent context.
    #[inline]
    pub(crate) fn context(&mut self) -> HostResult<&mut Context> {
        self.context.as_deref_mut().ok_or_else(|| {
            refusal(
                ErrorCode::NotAvailable,
                "the training context exists only during phases, not while a callback is loaded or saved",
            )
        })
    }

    /// The device that "" means.
    pub(crate) fn device(&self, name: &str) -> HostResult<Device> {
        let run = self.context.as_ref().map_or(Device::Cpu, |context| context.device);
        match name {
            "" => Ok(run),
            "cpu" => Ok(Device::Cpu),
            _ if name == crate::device::name(run) => Ok(run),
            _ => refuse(
                ErrorCode::InvalidArgument,
                format!("device `{}` is not part of this run; use \"\" for its own or \"cpu\"", clip(name)),
            ),
        }
    }

    #[inline]
    pub(crate) fn tensor(&self, handle: &Resource<TensorHandle>) -> HostResult<&Tensor> {
        Ok(&self.tensors.get(handle.rep())?.tensor)
    }

    #[inline]
    pub(crate) fn group(&self, handle: &Resource<GroupHandle>) -> HostResult<&GroupEntry> {
        self.groups.get(handle.rep())
    }

    pub(crate) fn scalar(&mut self, handle: &Resource<DeferredHandle>) -> HostResult<&mut Deferred> {
        self.scalars.get_mut(handle.rep())
    }

    /// A handle to a new tensor of the callback's own, charged to what one call may make.
    pub(crate) fn make(&mut self, tensor: Tensor) -> HostResult<Resource<TensorHandle>> {
        self.charge_call(bytes_of(&tensor))?;
        self.lend(tensor, Owner::Callback)
    }

    /// A handle to a tensor that exists already.
    pub(crate) fn lend(&mut self, tensor: Tensor, owner: Owner) -> HostResult<Resource<TensorHandle>> {
        let index = self.tensors.insert(TensorEntry { tensor, owner, charged_bytes: 0 })?;
        Ok(Resource::new_own(index))
    }

    /// A handle to a group that exists already.
    pub(crate) fn lend_group(
        &mut self,
        members: Rc<Members>,
        owner: Owner,
    ) -> HostResult<Resource<GroupHandle>> {
        let index = self.groups.insert(GroupEntry { members, owner, charged_bytes: 0 })?;
        Ok(Resource::new_own(index))
    }

    /// Counts bytes made in this call. What is refused is not counted: smaller things may still be made.
    pub(crate) fn charge_call(&mut self, bytes: u64) -> HostResult<()> {
        let (wanted, limit) = (self.call_bytes.saturating_add(bytes), self.limits.tensor_bytes);
        if wanted > limit {
            return refuse(ErrorCode::QuotaExceeded, over("tensors made in one call", wanted, limit));
        }
        self.call_bytes = wanted;
        Ok(())
    }

    /// Counts bytes that outlive the call.
    pub(crate) fn charge_kept(&mut self, bytes: u64) -> HostResult<()> {
        let (wanted, limit) = (self.kept_bytes.saturating_add(bytes), self.limits.tensor_bytes);
        if wanted > limit {
            return refuse(ErrorCode::QuotaExceeded, over("tensors kept", wanted, limit));
        }
        self.kept_bytes = wanted;
        Ok(())
    }

    pub(crate) fn release_kept(&mut self, bytes: u64) {
        self.kept_bytes = self.kept_bytes.saturating_sub(bytes);
    }

    /// Counts a wait for the device, or refuses it.
    pub(crate) fn count_sync(&mut self) -> HostResult<()> {
        if self.call_syncs >= self.limits.syncs {
            return refuse(
                ErrorCode::Denied,
                format!(
                    "this call may sync the device {} times; use `defer` or `scalar-tensor`, or raise `limits: {{syncs: …}}`",
                    self.limits.syncs
                ),
            );
        }
        self.call_syncs += 1;
        self.counters.syncs += 1;
        Ok(())
    }

    /// Refuses what the recipe does not grant.
    pub(crate) fn require(&self, grant: Grant) -> HostResult<()> {
        self.grants.require(grant)
    }
}

fn over(what: &str, wanted_bytes: u64, limit_bytes: u64) -> String {
    let mebibytes = |bytes: u64| bytes.div_ceil(1 << 20);
    format!(
        "{what} would take {} MiB of {} MiB; drop some, or raise `limits: {{tensors: …}}`",
        mebibytes(wanted_bytes),
        mebibytes(limit_bytes)
    )
}

/// Bytes of a tensor's elements.
pub(crate) fn bytes_of(tensor: &Tensor) -> u64 {
    tensor.numel() as u64 * tensor.kind().elt_size_in_bytes() as u64
}

/// A guest's string, short enough to repeat in a message.
pub(crate) fn clip(text: &str) -> &str {
    &text[..text.floor_char_boundary(64)]
}

/// Separates the name of a stored group from the name of its member in a checkpoint.
const GROUP_SEPARATOR: &str = "//";

impl Stored {
    pub(crate) fn bytes(&self) -> u64 {
        match self {
            Stored::Tensor(tensor) => bytes_of(tensor),
            Stored::Group(members) => members.bytes(),
        }
    }

    /// Its tensors under the names a checkpoint gives them.
    pub(crate) fn named(&self, name: &str) -> Vec<(String, Tensor)> {
        match self {
            Stored::Tensor(tensor) => vec![(name.to_owned(), tensor.shallow_clone())],
            Stored::Group(members) => members
                .named
                .iter()
                .map(|(member, tensor)| (format!("{name}{GROUP_SEPARATOR}{member}"), tensor.shallow_clone()))
                .collect(),
        }
    }
}

/// The reverse of [`Stored::named`].
pub(crate) fn restore(tensors: Vec<(String, Tensor)>) -> anyhow::Result<BTreeMap<String, Stored>> {
    let (mut stored, mut groups) = (BTreeMap::new(), BTreeMap::<String, Vec<(String, Tensor)>>::new());
    for (name, tensor) in tensors {
        match name.split_once(GROUP_SEPARATOR) {
            Some((group, member)) => {
                groups.entry(group.to_owned()).or_default().push((member.to_owned(), tensor))
            }
            None => drop(stored.insert(name, Stored::Tensor(tensor))),
        }
    }
    for (name, members) in groups {
        stored.insert(name, Stored::Group(Members::new(members)?));
    }
    Ok(stored)
}
