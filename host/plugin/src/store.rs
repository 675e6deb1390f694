//! What a callback's store holds: its grants and limits, its handles, and, during a call, the context it
//! is lent. Owns the small steps all host functions are made of: look a handle up, check, count, hand out.

use std::collections::{BTreeMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use phasebox_component::Profile;
use phasebox_contract::grants::{Grant, Grants};
use phasebox_contract::limits::{Limit, Limits, Usage, Window};
use phasebox_nn::tensor_group::TensorGroup;
use phasebox_train::context::{Context, Split};
use phasebox_train::counters::Counters;
use tch::{Device, Tensor};
use torch_ext::{Deferred, Extent};
use wasmtime::component::Resource;

use super::arena::Arena;
use super::bindings::phasebox::train::types::ErrorCode;
use super::checks::check_extent;
use super::error::{HostError, HostResult, refusal, refuse};
use super::grants;
use super::handles::{DeferredHandle, GroupEntry, GroupHandle, Owner, TensorEntry, TensorHandle};
use super::limits::{Deadline, MemoryLimiter, ticks_within};
use super::random::Random;

/// Results with more elements are refused before they are made: 2 GiB of the widest dtypes.
pub(crate) const MAX_RESULT_ELEMENTS: u64 = 1 << 28;

/// The data of one callback's store.
pub(crate) struct PluginState {
    pub(crate) name: Arc<str>,
    pub(crate) grants: Grants,
    pub(crate) limits: Limits,
    pub(crate) limiter: MemoryLimiter,
    pub(crate) deadline: Deadline,
    pub(crate) profile: Profile,
    pub(crate) counters: Counters,
    pub(crate) random: Random,
    /// Lent for one call.
    pub(crate) context: Option<Box<Context>>,
    pub(crate) tensors: Arena<TensorEntry>,
    pub(crate) groups: Arena<GroupEntry>,
    pub(crate) scalars: Arena<Deferred>,
    /// Tensors kept by name, in the order of their names. A group is kept under one name.
    pub(crate) stored: BTreeMap<String, Stored>,
    /// What it uses of its limits.
    pub(crate) usage: Usage,
    /// Names under which it has logged.
    pub(crate) logged_names: HashSet<String>,
    /// Tags it has asked checkpoints for.
    pub(crate) tags: HashSet<String>,
    /// The step that is counted in: epoch, batch and split.
    step: (Option<u32>, Option<u64>, Option<Split>),
    /// Lines of that step that were not written.
    pub(crate) suppressed_lines: u64,
    /// Host functions called before the call in progress.
    crossings_before: u64,
    /// Of time in host functions during one call.
    host_tick_limit: u64,
    /// What the guest said before it trapped.
    pub(crate) failure: Option<GuestFailure>,
}

/// What `storage` keeps under one name.
pub(crate) enum Stored {
    Tensor(Tensor),
    Group(Rc<TensorGroup>),
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
        profile: Profile,
    ) -> PluginState {
        // The host's own time differs from run to run, and must not decide anything then.
        let limits = match profile {
            Profile::Fast => limits,
            Profile::Deterministic => limits.with(Limit::HostTime, u64::MAX),
        };
        PluginState {
            random: Random::new(seed, &name),
            name,
            grants,
            limits,
            limiter: MemoryLimiter::new(limits[Limit::Memory]),
            deadline: Deadline::new(clock),
            profile,
            counters: Counters::default(),
            context: None,
            tensors: Arena::new(limits[Limit::Handles]),
            groups: Arena::new(limits[Limit::Handles]),
            scalars: Arena::new(limits[Limit::Handles]),
            stored: BTreeMap::new(),
            usage: Usage::default(),
            logged_names: HashSet::new(),
            tags: HashSet::new(),
            step: (None, None, None),
            suppressed_lines: 0,
            crossings_before: 0,
            host_tick_limit: ticks_within(limits[Limit::HostTime]),
            failure: None,
        }
    }

    /// A phase begins, with the context lent; in ticks, the guest time it may take.
    pub(crate) fn begin_phase(&mut self) -> u64 {
        let context = self.context.as_deref();
        let step = context.map_or((None, None, None), |at| {
            (at.epoch, at.batch_idx, Some(at.split))
        });
        if step != self.step {
            self.step = step;
            self.begin_step();
        }
        self.crossings_before = self.counters.crossings;
        self.failure = None;
        let step_left =
            self.limits[Limit::StepTime].saturating_sub(self.usage.used(Limit::StepTime));
        match self.limits[Limit::Time] {
            time if time <= step_left => self.deadline.begin(Limit::Time, time),
            _ => self.deadline.begin(Limit::StepTime, step_left),
        }
    }

    fn begin_step(&mut self) {
        self.usage.begin(Window::Step);
        self.say_what_was_suppressed();
    }

    /// A call outside any phase begins; in ticks, the guest time it may take.
    pub(crate) fn begin_load(&mut self) -> u64 {
        self.crossings_before = self.counters.crossings;
        self.failure = None;
        self.deadline
            .begin(Limit::LoadTime, self.limits[Limit::LoadTime])
    }

    /// Handles of this call go stale; its budgets begin anew.
    #[inline]
    pub(crate) fn end_call(&mut self) {
        self.tensors.end_call();
        self.groups.end_call();
        // Whoever has called nobody, and took less than a tick, has used nothing that is counted by the call.
        if self.counters.crossings != self.crossings_before || self.deadline.has_ticked() {
            self.settle_usage();
        }
    }

    fn settle_usage(&mut self) {
        let (guest, host) = self.deadline.end();
        self.usage.set(Limit::HostTime, host);
        self.usage.set(
            Limit::HostCalls,
            self.counters.crossings - self.crossings_before,
        );
        self.usage.set(Limit::CallTensors, 0);
        match self.deadline.limit {
            Limit::LoadTime => self.usage.set(Limit::LoadTime, guest),
            _ => {
                self.usage.set(Limit::Time, guest);
                self.usage
                    .set(Limit::StepTime, self.usage.used(Limit::StepTime) + guest);
            }
        }
    }

    /// A host function is called: counted, and refused to who calls without end or keeps the host busy.
    #[inline]
    pub(crate) fn enter_host(&mut self) -> wasmtime::Result<()> {
        self.counters.crossings += 1;
        if self.counters.crossings - self.crossings_before > self.limits[Limit::HostCalls] {
            return Err(self.end_with(Limit::HostCalls));
        }
        if self.deadline.host_ticks() > self.host_tick_limit {
            return Err(self.end_with(Limit::HostTime));
        }
        self.deadline.enter_host();
        Ok(())
    }

    #[cold]
    fn end_with(&mut self, limit: Limit) -> wasmtime::Error {
        self.usage.refuse(limit);
        wasmtime::Error::msg(limit.exceeded(self.limits[limit]))
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
        let run = self
            .context
            .as_ref()
            .map_or(Device::Cpu, |context| context.device);
        match name {
            "" => Ok(run),
            "cpu" => Ok(Device::Cpu),
            _ if name == phasebox_train::device::name(run) => Ok(run),
            _ => refuse(
                ErrorCode::InvalidArgument,
                format!(
                    "device `{}` is not part of this run; use \"\" for its own or \"cpu\"",
                    clip(name)
                ),
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

    pub(crate) fn scalar(
        &mut self,
        handle: &Resource<DeferredHandle>,
    ) -> HostResult<&mut Deferred> {
        self.scalars.get_mut(handle.rep())
    }

    /// A handle to a new tensor of the callback's own, charged to what one call may make.
    pub(crate) fn make(&mut self, tensor: Tensor) -> HostResult<Resource<TensorHandle>> {
        let extent = Extent::of(&tensor);
        check_extent(&tensor, extent)?;
        self.charge(Limit::CallTensors, extent.bytes)?;
        self.lend(tensor, Owner::Callback)
    }

    /// A handle to a tensor that exists already.
    pub(crate) fn lend(
        &mut self,
        tensor: Tensor,
        owner: Owner,
    ) -> HostResult<Resource<TensorHandle>> {
        let index = self.tensors.insert(TensorEntry {
            tensor,
            owner,
            charged_bytes: 0,
        })?;
        Ok(Resource::new_own(index))
    }

    /// A handle to a group that exists already.
    pub(crate) fn lend_group(
        &mut self,
        members: Rc<TensorGroup>,
        owner: Owner,
    ) -> HostResult<Resource<GroupHandle>> {
        let index = self.groups.insert(GroupEntry {
            members,
            owner,
            charged_bytes: 0,
        })?;
        Ok(Resource::new_own(index))
    }

    /// Counts `amount`, or refuses it. What is refused is not counted: less may still be had.
    #[inline]
    pub(crate) fn charge(&mut self, limit: Limit, amount: u64) -> HostResult<()> {
        let wanted = self.usage.used(limit).saturating_add(amount);
        if wanted > self.limits[limit] {
            return Err(self.over(limit, amount));
        }
        self.usage.set(limit, wanted);
        Ok(())
    }

    #[cold]
    pub(crate) fn over(&mut self, limit: Limit, amount: u64) -> HostError {
        self.usage.refuse(limit);
        let (key, what, all) = (limit.key(), limit.what(), self.limits[limit]);
        let left = limit.show(all.saturating_sub(self.usage.used(limit)));
        let (asked, all, window) = (limit.show(amount), limit.show(all), limit.window().name());
        refusal(
            ErrorCode::QuotaExceeded,
            format!(
                "{asked} more asked for, {left} of {all} left {window} ({what}); use less, or raise `limits: {{{key}: …}}`"
            ),
        )
    }

    /// Counts bytes that outlive the call.
    pub(crate) fn charge_kept(&mut self, bytes: u64) -> HostResult<()> {
        self.charge(Limit::Tensors, bytes)
    }

    pub(crate) fn release_kept(&mut self, bytes: u64) {
        self.usage.release(Limit::Tensors, bytes);
    }

    /// Counts a tensor operation that is about to be started, or refuses it.
    #[inline]
    pub(crate) fn launch(&mut self, kernels: u64) -> HostResult<()> {
        self.charge(Limit::Launches, kernels)?;
        self.counters.launches += kernels;
        Ok(())
    }

    /// Counts a wait for the device, or refuses it.
    pub(crate) fn count_sync(&mut self) -> HostResult<()> {
        self.require(Grant::Sync)?;
        self.charge(Limit::Syncs, 1)?;
        self.counters.syncs += 1;
        Ok(())
    }

    /// Counts bytes between device and guest, or refuses them.
    pub(crate) fn count_copied(&mut self, bytes: u64) -> HostResult<()> {
        self.charge(Limit::HostBytes, bytes)?;
        self.counters.bytes_copied += bytes;
        Ok(())
    }

    /// Goes on where another instance of the same callback ended: what the host has counted and keeps for it.
    pub(crate) fn take_over(&mut self, old: &mut PluginState) {
        self.usage = old.usage_at_end();
        self.counters = std::mem::take(&mut old.counters);
        self.logged_names = std::mem::take(&mut old.logged_names);
        self.stored = std::mem::take(&mut old.stored);
        self.random.draws = old.random.draws;
        (self.step, self.suppressed_lines) = (old.step, old.suppressed_lines);
        // Kept handles ended with the old instance.
        self.usage.set(
            Limit::Tensors,
            self.stored.values().map(Stored::bytes).sum(),
        );
    }

    /// What it used of every limit, those included that are counted elsewhere.
    pub(crate) fn usage_at_end(&self) -> Usage {
        let mut usage = self.usage;
        usage.observe(
            Limit::Memory,
            self.limiter.peak_bytes,
            self.limiter.refusals,
        );
        for (peak, refusals) in [
            (self.tensors.peak(), self.tensors.refusals),
            (self.groups.peak(), self.groups.refusals),
            (self.scalars.peak(), self.scalars.refusals),
        ] {
            usage.observe(Limit::Handles, peak, refusals);
        }
        usage
    }

    /// Refuses what the recipe does not grant.
    pub(crate) fn require(&self, grant: Grant) -> HostResult<()> {
        grants::require(self.grants, grant)
    }
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
            Stored::Tensor(tensor) => torch_ext::bytes(tensor),
            Stored::Group(members) => members.bytes(),
        }
    }

    /// Its tensors under the names a checkpoint gives them.
    pub(crate) fn named(&self, name: &str) -> Vec<(String, Tensor)> {
        match self {
            Stored::Tensor(tensor) => vec![(name.to_owned(), tensor.shallow_clone())],
            Stored::Group(members) => members
                .named()
                .iter()
                .map(|(member, tensor)| {
                    (
                        format!("{name}{GROUP_SEPARATOR}{member}"),
                        tensor.shallow_clone(),
                    )
                })
                .collect(),
        }
    }
}

/// The reverse of [`Stored::named`].
pub(crate) fn restore(tensors: Vec<(String, Tensor)>) -> anyhow::Result<BTreeMap<String, Stored>> {
    let (mut stored, mut groups) = (
        BTreeMap::new(),
        BTreeMap::<String, Vec<(String, Tensor)>>::new(),
    );
    for (name, tensor) in tensors {
        match name.split_once(GROUP_SEPARATOR) {
            Some((group, member)) => groups
                .entry(group.to_owned())
                .or_default()
                .push((member.to_owned(), tensor)),
            None => drop(stored.insert(name, Stored::Tensor(tensor))),
        }
    }
    for (name, members) in groups {
        stored.insert(name, Stored::Group(TensorGroup::new(members)?));
    }
    Ok(stored)
}
