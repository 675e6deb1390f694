//! The data of one plugin's store: its grants and limits, its handles and, during a call, the context it
//! is lent. Owns how calls begin and end, and how handles are looked up and made; counting against limits
//! is `quotas`.

use std::collections::{BTreeMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use phasebox_component::{MemoryLimiter, Profile, SourceLines};
use phasebox_contract::grants::{Grant, Grants};
use phasebox_contract::limits::{Limit, Limits, Usage, Window};
use phasebox_nn::tensor_group::TensorGroup;
use phasebox_train::callback::Counters;
use phasebox_train::context::Context;
use phasebox_train::split::Split;
use tch::{Device, Tensor};
use torch_ext::{Deferred, Extent};
use wasmtime::component::Resource;

use crate::bindings::types::{Error, ErrorCode, Host};
use crate::deadline::{Deadline, ticks_within};
use crate::error::{HostError, HostResult, clip, refusal, refuse};
use crate::grants;
use crate::handle_table::HandleTable;
use crate::host::argument_checks::check_word;
use crate::host::random::Random;
use crate::host::size_checks::check_extent;
use crate::markers::{DeferredHandle, GroupHandle, TensorHandle};
use crate::output::Output;
use crate::owner::{GroupEntry, Owner, TensorEntry};
use crate::settings::PluginSettings;
use crate::stack_samples::StackSampler;
use crate::stored::Stored;

/// The data of one plugin's store.
pub(crate) struct PluginState {
    pub(crate) name: Arc<str>,
    pub(crate) grants: Grants,
    pub(crate) limits: Limits,
    pub(crate) limiter: MemoryLimiter,
    pub(crate) deadline: Deadline,
    pub(crate) profile: Profile,
    pub(crate) counters: Counters,
    pub(crate) random: Random,
    /// The trainer's context, lent for one call.
    pub(crate) context: Option<Box<Context>>,
    pub(crate) tensors: HandleTable<TensorEntry>,
    pub(crate) groups: HandleTable<GroupEntry>,
    pub(crate) scalars: HandleTable<Deferred>,
    /// The tensors and groups that `storage` keeps, in the order of their names.
    pub(crate) stored: BTreeMap<String, Stored>,
    /// Amounts that the callback uses of its limits.
    pub(crate) usage: Usage,
    /// Names under which it has logged.
    pub(crate) logged_names: HashSet<String>,
    /// Names under which it has published metrics.
    pub(crate) published: HashSet<String>,
    /// Tags it has asked checkpoints for.
    pub(crate) tags: HashSet<String>,
    /// The step that usage is counted in.
    step: Step,
    /// Lines of that step that were not written.
    pub(crate) suppressed_lines: u64,
    /// Host functions called before the call in progress.
    pub(crate) crossings_before: u64,
    /// The most ticks that host functions may take during one call.
    pub(crate) host_tick_limit: u64,
    /// The guest's own words about why it is about to trap.
    pub(crate) failure: Option<GuestFailure>,
    /// Standard output and error.
    pub(crate) output: Output,
    /// Lines of the component's source, for backtraces.
    pub(crate) source_lines: Option<SourceLines>,
    /// The stacks of its guest, if somebody asked for them.
    pub(crate) stacks: Option<Box<StackSampler>>,
}

/// A step of the loop: the span that the limits of a step are counted over.
#[derive(Clone, Copy, Default, PartialEq)]
struct Step {
    epoch: Option<u32>,
    batch_idx: Option<u64>,
    split: Option<Split>,
}

/// A panic or uncaught exception, as the guest's SDK reported it.
#[derive(Clone, Debug)]
pub(crate) struct GuestFailure {
    pub(crate) message: String,
    pub(crate) location: String,
    pub(crate) traceback: String,
}

impl PluginState {
    /// The state of a plugin that has not been called yet; `clock` counts ticks.
    pub(crate) fn new(
        settings: &PluginSettings,
        clock: Arc<AtomicU64>,
        profile: Profile,
    ) -> PluginState {
        let limits = limits_on(profile, settings.limits);
        let handles = limits[Limit::Handles];
        PluginState {
            name: settings.name.as_str().into(),
            grants: settings.grants,
            limits,
            limiter: MemoryLimiter::new(limits[Limit::Memory]),
            deadline: Deadline::new(clock),
            profile,
            counters: Counters::default(),
            random: Random::new(settings.seed, &settings.name),
            context: None,
            tensors: HandleTable::new(handles),
            groups: HandleTable::new(handles),
            scalars: HandleTable::new(handles),
            stored: BTreeMap::new(),
            usage: Usage::default(),
            logged_names: HashSet::new(),
            published: HashSet::new(),
            tags: HashSet::new(),
            step: Step::default(),
            suppressed_lines: 0,
            crossings_before: 0,
            host_tick_limit: ticks_within(limits[Limit::HostTime]),
            failure: None,
            output: Output::default(),
            source_lines: None,
            stacks: None,
        }
    }

    /// Begins a call at a phase, with the context lent. Returns the guest time it may take, in ticks.
    pub(crate) fn begin_phase(&mut self) -> u64 {
        let step = self.context.as_deref().map(Step::of).unwrap_or_default();
        if step != self.step {
            self.step = step;
            self.usage.begin(Window::Step);
            self.log_suppressed_lines();
        }
        self.begin_call();
        let step_left = self.left(Limit::StepTime);
        match self.limits[Limit::Time] {
            time if time <= step_left => self.deadline.begin(Limit::Time, time),
            _ => self.deadline.begin(Limit::StepTime, step_left),
        }
    }

    /// Begins a call outside any phase. Returns the guest time it may take, in ticks.
    pub(crate) fn begin_load(&mut self) -> u64 {
        self.begin_call();
        let load_time = self.limits[Limit::LoadTime];
        self.deadline.begin(Limit::LoadTime, load_time)
    }

    fn begin_call(&mut self) {
        self.crossings_before = self.counters.crossings;
        self.failure = None;
        self.output.begin_call();
    }

    /// Ends a call: its handles go stale, and its limits are counted anew.
    #[inline]
    pub(crate) fn end_call(&mut self) {
        self.tensors.end_call();
        self.groups.end_call();
        // A call without a host call that took less than a tick has used nothing that is counted by the call.
        if self.crossings_of_call() > 0 || self.deadline.has_ticked() {
            self.record_usage_of_call();
        }
        if let Some(stacks) = &mut self.stacks {
            stacks.end();
        }
    }

    /// The lent context.
    #[inline]
    pub(crate) fn context(&mut self) -> HostResult<&mut Context> {
        self.context.as_deref_mut().ok_or_else(not_lent)
    }

    /// The lent context, for functions of the contract that answer no error.
    #[inline]
    pub(crate) fn context_or_trap(&mut self) -> wasmtime::Result<&mut Context> {
        self.context().map_err(HostError::into_trap)
    }

    /// The device that a guest names; "" is the run's own.
    pub(crate) fn device(&self, name: &str) -> HostResult<Device> {
        check_word(name)?;
        let context = self.context.as_ref();
        let run = context.map_or(Device::Cpu, |context| context.device);
        match name {
            "" => Ok(run),
            "cpu" => Ok(Device::Cpu),
            _ if name == phasebox_train::device::name(run) => Ok(run),
            _ => {
                let name = clip(name);
                refuse(
                    ErrorCode::InvalidArgument,
                    format!(
                        "device `{name}` is not part of this run; use \"\" for its own or \"cpu\""
                    ),
                )
            }
        }
    }

    /// The tensor behind a handle.
    #[inline]
    pub(crate) fn tensor(&self, handle: &Resource<TensorHandle>) -> HostResult<&Tensor> {
        Ok(&self.tensors.get(handle.rep())?.tensor)
    }

    /// The group behind a handle.
    #[inline]
    pub(crate) fn group(&self, handle: &Resource<GroupHandle>) -> HostResult<&GroupEntry> {
        self.groups.get(handle.rep())
    }

    /// The deferred number behind a handle.
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

    /// Frees the tensor of a handle that the guest gives back.
    pub(crate) fn forget_tensor(&mut self, handle: &Resource<TensorHandle>) {
        if let Some((entry, _)) = self.tensors.remove(handle.rep()) {
            self.release_kept(entry.charged_bytes);
        }
    }

    /// Frees the group of a handle that the guest gives back.
    pub(crate) fn forget_group(&mut self, handle: &Resource<GroupHandle>) {
        if let Some((entry, _)) = self.groups.remove(handle.rep()) {
            self.release_kept(entry.charged_bytes);
        }
    }

    /// Refuses what the recipe does not grant.
    pub(crate) fn require(&self, grant: Grant) -> HostResult<()> {
        grants::require(self.grants, grant)
    }

    /// Handles that the guest holds, stale ones included.
    pub(crate) fn live_handles(&self) -> u64 {
        self.tensors.len() + self.groups.len() + self.scalars.len()
    }

    /// The bytes of all that `storage` keeps.
    pub(crate) fn stored_bytes(&self) -> u64 {
        self.stored.values().map(Stored::bytes).sum()
    }

    /// Goes on where another instance of the same callback ended, with all that the host has counted and
    /// kept for it.
    pub(crate) fn take_over(&mut self, old: &mut PluginState) {
        self.usage = old.usage_at_end();
        self.counters = std::mem::take(&mut old.counters);
        self.source_lines = old.source_lines.take();
        self.logged_names = std::mem::take(&mut old.logged_names);
        self.published = std::mem::take(&mut old.published);
        self.stored = std::mem::take(&mut old.stored);
        self.random.draws = old.random.draws;
        self.step = old.step;
        self.suppressed_lines = old.suppressed_lines;
        // Kept handles ended with the old instance.
        self.usage.set(Limit::Tensors, self.stored_bytes());
    }
}

impl Host for PluginState {
    fn convert_error(&mut self, error: HostError) -> wasmtime::Result<Error> {
        Ok(error.into_record())
    }
}

impl Step {
    fn of(context: &Context) -> Step {
        Step {
            epoch: context.epoch,
            batch_idx: context.batch_idx,
            split: Some(context.split),
        }
    }
}

/// The limits that hold on this profile. The host's own time differs from run to run, so it must decide
/// nothing on the deterministic one.
fn limits_on(profile: Profile, limits: Limits) -> Limits {
    match profile {
        Profile::Fast => limits,
        Profile::Deterministic => limits.with(Limit::HostTime, u64::MAX),
    }
}

#[cold]
fn not_lent() -> HostError {
    refusal(
        ErrorCode::NotAvailable,
        "the training context exists only during phases, not while a callback is loaded or saved",
    )
}
