//! One component, instantiated: its store, the functions it exports, and calls into them under a limit.
//! The meaning of the calls, such as parameters and saved state, is `plugin`'s.
//!
//! For each call at a phase the trainer's context is moved into the store and moved back afterwards, also
//! after a trap: a guest can reach it during the call and at no other time.

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use phasebox_component::{Component, Profile};
use phasebox_contract::CONTRACT;
use phasebox_contract::limits::Limit;
use phasebox_contract::phase::{Phase, PhaseSet};
use phasebox_train::context::{Context, Lendable};
use wasmtime::component::{ComponentNamedList, Lift, Lower, Resource, TypedFunc};
use wasmtime::{CallHook, Store, UpdateDeadline};

use crate::bindings::types::Error as GuestError;
use crate::deadline::{GRACE_TICKS, outlasted_grace};
use crate::engine::PluginEngine;
use crate::handle_table::MOST_STALE;
use crate::host::MAX_JOINED;
use crate::host_panic::catching_panics;
use crate::markers::{ContextHandle, ONLY};
use crate::settings::PluginSettings;
use crate::stack_samples::{self, StackSampler};
use crate::state::PluginState;
use crate::trap;

/// The most bytes that a guest hands over in one host call: the 4 Mi elements of a tensor and some room.
const MAX_CALL_BYTES: usize = 20 << 20;
/// The most bytes that a guest hands over in one call while it is configured and checked, its answer among them: the
/// message of an error, of which 4 KiB are shown, or lines.
const MAX_ANSWER_BYTES: usize = 1 << 20;
/// The room that the answer of `save-state` has beyond the state: for an error's message in its place.
const STATE_ROOM: usize = 1 << 20;

/// The answer of a guest: a result of the contract.
pub(crate) type GuestResult<T> = std::result::Result<T, GuestError>;

/// A function that answers a result, which wasmtime wraps in a tuple.
type Fallible<Params, T> = TypedFunc<Params, (GuestResult<T>,)>;
type PhaseFunction = Fallible<(Resource<ContextHandle>,), ()>;

/// One instantiated component.
pub(crate) struct Instance {
    store: Store<PluginState>,
    exports: Exports,
    /// Set by a trap, which leaves the store unusable.
    trapped: bool,
}

/// The functions of the callback interface, looked up once so that a call need not.
struct Exports {
    phases: [Option<PhaseFunction>; Phase::ALL.len()],
    describe: Option<TypedFunc<(), (String,)>>,
    configure: Option<Fallible<(String,), ()>>,
    describe_configured: Option<TypedFunc<(), (String,)>>,
    check_run: Option<Fallible<(String,), ()>>,
    save_state: Option<Fallible<(), Vec<u8>>>,
    load_state: Option<Fallible<(Vec<u8>,), ()>>,
}

impl Instance {
    /// Instantiates a component under its limits.
    ///
    /// # Errors
    /// If it does not link, exports a function of another type, traps, or takes longer than `load_time`.
    pub(crate) fn new(
        engine: &PluginEngine,
        component: &Component,
        settings: &PluginSettings,
    ) -> Result<Instance> {
        let mut store = new_store(engine, component, settings);
        let instance = instantiate(&mut store, engine, component)?;
        let exports = ExportLookup {
            store: &mut store,
            instance,
            component,
        };
        let exports = exports.all(component.phases)?;
        Ok(Instance {
            store,
            exports,
            trapped: false,
        })
    }

    #[inline]
    pub(crate) fn state(&self) -> &PluginState {
        self.store.data()
    }

    #[inline]
    pub(crate) fn state_mut(&mut self) -> &mut PluginState {
        self.store.data_mut()
    }

    /// True once a call has trapped: the instance can then not be called again.
    #[inline]
    pub(crate) fn has_trapped(&self) -> bool {
        self.trapped
    }

    /// The text of `describe`; none if it is not exported.
    pub(crate) fn describe(&mut self) -> Result<Option<String>> {
        let Some(describe) = self.exports.describe else {
            return Ok(None);
        };
        let (text,) = self.call_outside_phases("describe", |store| describe.call(store, ()))?;
        Ok(Some(text))
    }

    /// The answer to the parameters, a JSON object as text; none if `configure` is not exported.
    pub(crate) fn configure(&mut self, params: String) -> Result<Option<GuestResult<()>>> {
        let Some(configure) = self.exports.configure else {
            return Ok(None);
        };
        let (answer,) = self.carrying(MAX_ANSWER_BYTES, "configure", |store| {
            configure.call(store, (params,))
        })?;
        Ok(Some(answer))
    }

    /// The text of `describe-configured`; none if it is not exported.
    pub(crate) fn describe_configured(&mut self) -> Result<Option<String>> {
        let Some(describe) = self.exports.describe_configured else {
            return Ok(None);
        };
        let (text,) = self.carrying(MAX_ANSWER_BYTES, "describe-configured", |store| {
            describe.call(store, ())
        })?;
        Ok(Some(text))
    }

    /// The answer to the facts of the run, a JSON object as text; none if `check-run` is not exported.
    pub(crate) fn check_run(&mut self, facts: String) -> Result<Option<GuestResult<()>>> {
        let Some(check_run) = self.exports.check_run else {
            return Ok(None);
        };
        let (answer,) = self.carrying(MAX_ANSWER_BYTES, "check-run", |store| {
            check_run.call(store, (facts,))
        })?;
        Ok(Some(answer))
    }

    /// The guest's state; none if `save-state` is not exported.
    pub(crate) fn save_state(&mut self) -> Result<Option<GuestResult<Vec<u8>>>> {
        let Some(save_state) = self.exports.save_state else {
            return Ok(None);
        };
        let limit = usize::try_from(self.state().limits[Limit::State]).unwrap_or(usize::MAX);
        let most = limit.saturating_add(STATE_ROOM);
        let (answer,) = self.carrying(most, "save-state", |store| save_state.call(store, ()))?;
        Ok(Some(answer))
    }

    /// The answer to a saved state; none if `load-state` is not exported.
    pub(crate) fn load_state(&mut self, bytes: Vec<u8>) -> Result<Option<GuestResult<()>>> {
        let Some(load_state) = self.exports.load_state else {
            return Ok(None);
        };
        let (answer,) =
            self.call_outside_phases("load-state", |store| load_state.call(store, (bytes,)))?;
        Ok(Some(answer))
    }

    /// A call outside any phase in which the guest hands over `most` bytes at a time.
    fn carrying<T>(
        &mut self,
        most: usize,
        function: &str,
        call: impl FnOnce(&mut Store<PluginState>) -> wasmtime::Result<T>,
    ) -> Result<T> {
        self.store.set_hostcall_fuel(most);
        let answer = self.call_outside_phases(function, call);
        self.store.set_hostcall_fuel(MAX_CALL_BYTES);
        answer
    }

    /// A call outside any phase: the guest has `load_time` for it, and no context.
    fn call_outside_phases<T>(
        &mut self,
        function: &str,
        call: impl FnOnce(&mut Store<PluginState>) -> wasmtime::Result<T>,
    ) -> Result<T> {
        let name = self.state().name.clone();
        ensure!(
            !self.trapped,
            "callback `{name}` has trapped before and cannot be called"
        );
        let ticks = self.state_mut().begin_load();
        set_budget(&mut self.store, ticks);
        let answer = catching_panics(|| call(&mut self.store));
        record_fuel_left(&mut self.store);
        self.state_mut().finish_output();
        self.state_mut().end_call();
        answer
            .map_err(|error| self.trap(error))
            .with_context(|| format!("callback `{name}` failed in `{function}`"))
    }

    /// A call at a phase: moves the context in, calls, and moves it out again, also after a trap.
    pub(crate) fn call_at(
        &mut self,
        phase: Phase,
        context: &mut Lendable<Context>,
    ) -> wasmtime::Result<GuestResult<()>> {
        let Some(function) = self.exports.phases[phase as usize] else {
            return Ok(Ok(()));
        };
        let state = self.store.data_mut();
        context.lend(&mut state.context);
        let ticks = state.begin_phase();
        set_budget(&mut self.store, ticks);
        let handle = Resource::new_borrow(ONLY);
        let answer = catching_panics(|| function.call(&mut self.store, (handle,)));
        record_fuel_left(&mut self.store);
        let state = self.store.data_mut();
        state.finish_output();
        context.take_back(&mut state.context);
        state.end_call();
        answer.map(|(answer,)| answer)
    }

    /// Makes of a trap an error that says what happened. The instance is not called again.
    pub(crate) fn trap(&mut self, error: wasmtime::Error) -> anyhow::Error {
        self.trapped = true;
        trap::explain(error, &mut self.store)
    }
}

/// Gives the guest the time it may take: ticks of the clock, or as much fuel as the limit has nanoseconds.
#[inline]
fn set_budget(store: &mut Store<PluginState>, ticks: u64) {
    match store.data().profile {
        Profile::Fast if store.data().stacks.is_some() => stack_samples::begin(store, ticks),
        Profile::Fast => store.set_epoch_deadline(ticks),
        Profile::Deterministic => {
            store.set_epoch_deadline(GRACE_TICKS);
            let fuel = store.data().deadline.fuel();
            store
                .set_fuel(fuel)
                .unwrap_or_else(|error| tracing::error!("fuel is not counted: {error}"));
        }
    }
}

/// Notes the fuel that is left, where the guest had any.
#[inline]
fn record_fuel_left(store: &mut Store<PluginState>) {
    if store.data().profile == Profile::Deterministic {
        let left = store.get_fuel().unwrap_or_default();
        store.data_mut().deadline.record_fuel_left(left);
    }
}

/// A store in which the limits of the plugin hold.
fn new_store(
    engine: &PluginEngine,
    component: &Component,
    settings: &PluginSettings,
) -> Store<PluginState> {
    let stacks = StackSampler::of(engine);
    let engine = engine.engine();
    let mut state = PluginState::new(settings, engine.ticks(), engine.profile());
    state.source_lines = Some(component.source_lines(engine));
    state.deadline.interrupt_on(engine.interrupted());
    state.stacks = stacks.map(Box::new);
    let mut store = Store::new(engine.wasmtime(), state);
    store.limiter(|state| &mut state.limiter);
    store.set_max_component_handles(max_component_handles(settings));
    store.set_hostcall_fuel(MAX_CALL_BYTES);
    match store.data().stacks.is_some() {
        true => stack_samples::watch(&mut store, count_crossing),
        false => {
            store.epoch_deadline_callback(|mut store| reach_epoch(store.data_mut()));
            store.call_hook(|mut store, hook| count_crossing(store.data_mut(), hook));
        }
    }
    store
}

/// Ends a slice of the guest's time. With fuel, an epoch comes only after an interrupt: a look beforehand would count as a
/// crossing, at a moment that depends on the machine.
fn reach_epoch(state: &mut PluginState) -> wasmtime::Result<UpdateDeadline> {
    match state.profile {
        Profile::Fast => {
            state.forget_look();
            state.deadline.reached()
        }
        Profile::Deterministic => Err(outlasted_grace()),
    }
}

/// Every kind of handle may be full, with handles of ended calls beside, and one call may lend as many again as `cat` joins.
fn max_component_handles(settings: &PluginSettings) -> usize {
    let handles = usize::try_from(settings.limits[Limit::Handles]).unwrap_or(usize::MAX);
    let stale = 3 * MOST_STALE as usize;
    let most = handles.saturating_mul(4).saturating_add(2 * MAX_JOINED);
    most.saturating_add(stale)
}

#[inline]
fn count_crossing(state: &mut PluginState, hook: CallHook) -> wasmtime::Result<()> {
    match hook {
        CallHook::CallingHost => state.enter_host()?,
        CallHook::ReturningFromHost => state.deadline.leave_host(),
        // A guest's `realloc`, called for an argument of its own, is the guest's time.
        CallHook::CallingWasm => state.deadline.leave_host(),
        CallHook::ReturningFromWasm => state.deadline.enter_host(),
    }
    Ok(())
}

fn instantiate(
    store: &mut Store<PluginState>,
    engine: &PluginEngine,
    component: &Component,
) -> Result<wasmtime::component::Instance> {
    let name = store.data().name.clone();
    let path = component.path.display();
    let linked = engine
        .link(component.code())
        .map_err(|error| unlinked(engine, component, error))
        .with_context(|| format!("callback `{name}` ({path}) does not fit this phasebox"))?;
    let ticks = store.data_mut().begin_load();
    set_budget(store, ticks);
    let instance = linked.instantiate(&mut *store);
    store.data_mut().finish_output();
    let instance = instance
        .map_err(|error| trap::explain(error, store))
        .with_context(|| format!("callback `{name}` ({path}) cannot be started"))?;
    record_fuel_left(store);
    store.data_mut().end_call();
    Ok(instance)
}

/// Why a component asks for more than the host has: it is of a newer contract, or the toolchain has other types.
fn unlinked(engine: &PluginEngine, component: &Component, error: wasmtime::Error) -> anyhow::Error {
    match component.lacking(engine.engine()) {
        Some(refusal) => anyhow!("it {refusal}"),
        None => anyhow!(
            "it has other types than {CONTRACT} gives its imports: build it against this contract with `phasebox build` ({error:#})"
        ),
    }
}

/// Looks up the exports of a new instance.
struct ExportLookup<'a> {
    store: &'a mut Store<PluginState>,
    instance: wasmtime::component::Instance,
    component: &'a Component,
}

impl ExportLookup<'_> {
    fn all(mut self, phases: PhaseSet) -> Result<Exports> {
        let mut functions = [None; Phase::ALL.len()];
        for phase in phases.iter() {
            functions[phase as usize] = self.typed(phase.name())?;
        }
        Ok(Exports {
            phases: functions,
            describe: self.typed("describe")?,
            configure: self.typed("configure")?,
            describe_configured: self.typed("describe-configured")?,
            check_run: self.typed("check-run")?,
            save_state: self.typed("save-state")?,
            load_state: self.typed("load-state")?,
        })
    }

    /// A function of the callback interface, if it is exported.
    fn typed<Params, Returned>(&mut self, name: &str) -> Result<Option<TypedFunc<Params, Returned>>>
    where
        Params: ComponentNamedList + Lower,
        Returned: ComponentNamedList + Lift,
    {
        let path = self.component.path.display();
        let Some(index) = self.component.export(name) else {
            return Ok(None);
        };
        let Some(function) = self.instance.get_func(&mut *self.store, index) else {
            bail!("{path}: `{name}` is not a function");
        };
        let typed = function.typed(&*self.store).map_err(|error| anyhow!(error));
        typed.map(Some).with_context(|| {
            format!(
                "{path}: `{name}` has another type than {CONTRACT} gives it; see wit/callback.wit"
            )
        })
    }
}
