//! A callback that is a WebAssembly component. The only code that names wasmtime; the trainer sees a
//! [`Callback`].
//!
//! A plugin is one store: a component instance with the handles, limits and counters of that callback.
//! For each call the trainer's context is moved into the store and moved back afterwards, also after a
//! trap, so a guest can reach it during the call and at no other time.
//!
//! | file | owns |
//! |---|---|
//! | `engine` | the wasmtime engine, its clock, the linker |
//! | `component`, `structure` | reading and checking a file |
//! | `compiled` | machine code kept from one start to the next |
//! | `store`, `arena`, `handles` | what a guest holds |
//! | `limits`, `grants` | what it may use and may do; what it did is counted in `counters` |
//! | `tensor`, `group`, `storage`, `context`, `parts`, `diagnostics` | the host side of the contract |

mod arena;
mod bindings;
mod caught;
mod checks;
mod context;
mod diagnostics;
mod error;
mod grants;
mod group;
mod guard;
mod handles;
mod limits;
mod parts;
mod random;
mod storage;
mod store;
mod succession;
#[cfg(test)]
mod table_test;
mod tensor;
mod trap;

use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use phasebox_component::{Component, Engine, Profile};
use phasebox_contract::CONTRACT;
use phasebox_contract::grants::Grants;
use phasebox_contract::limits::{Limit, Limits};
use phasebox_contract::phase::{Phase, PhaseSet};
use phasebox_train::callback::{Callback, CallbackReport, CallbackState, Changes};
use phasebox_train::context::{Context, Lendable};
use phasebox_train::logger::{indented, one_line};
use wasmtime::component::{
    ComponentNamedList, HasSelf, Instance, Lift, Linker, Lower, Resource, TypedFunc,
};
use wasmtime::{CallHook, Store};

use self::bindings::Imports;
use self::bindings::phasebox::train::types::Error as GuestError;
use self::handles::ContextHandle;
use self::limits::Deadline;
use self::store::PluginState;

/// An engine with every host function linked. Made once, shared by all callbacks of all runs.
pub struct PluginEngine {
    engine: Engine,
    linker: Linker<PluginState>,
}

impl PluginEngine {
    /// Links the host functions of the contract.
    ///
    /// # Errors
    /// If the contract and the host functions do not fit: a fault of phasebox.
    pub fn new(engine: Engine) -> Result<PluginEngine> {
        let mut linker = Linker::new(engine.wasmtime());
        Imports::add_to_linker::<_, HasSelf<PluginState>>(&mut linker, |state| state)
            .map_err(|error| anyhow!(error))?;
        Ok(PluginEngine { engine, linker })
    }

    /// The engine that components are compiled with.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }
}

/// What a guest answers: a result of the contract, in the tuple that wasmtime wants.
type Answer<T> = (std::result::Result<T, GuestError>,);
type PhaseFunc = TypedFunc<(Resource<ContextHandle>,), Answer<()>>;

/// What a recipe says about one plugin.
#[derive(Clone, Debug)]
pub struct PluginSettings {
    /// Unique within the run.
    pub name: String,
    /// The recipe's `params` as a JSON object.
    pub params: serde_json::Value,
    /// What it may do.
    pub grants: Grants,
    /// What it may use.
    pub limits: Limits,
    /// The run's seed, for its random numbers.
    pub seed: u64,
}

/// What a plugin says about itself, by `describe`. Missing fields stay empty.
#[derive(Clone, Debug, Default, serde::Deserialize, serde::Serialize)]
#[serde(default)]
pub struct Description {
    /// What the author calls it.
    pub name: String,
    /// Its version.
    pub version: String,
    /// One sentence.
    pub summary: String,
    /// JSON Schema of its parameters.
    pub parameters: serde_json::Value,
    /// Names of the grants it wants.
    pub grants: Vec<String>,
    /// Of what `save-state` gives; it reads this and older ones.
    pub state_version: u32,
}

/// One instantiated plugin.
pub struct Plugin {
    name: Arc<str>,
    sha256: String,
    path: String,
    phases: PhaseSet,
    store: Store<PluginState>,
    calls: [Option<PhaseFunc>; Phase::ALL.len()],
    describe: Option<TypedFunc<(), (String,)>>,
    configure: Option<TypedFunc<(String,), Answer<()>>>,
    save_state: Option<TypedFunc<(), Answer<Vec<u8>>>>,
    load_state: Option<TypedFunc<(Vec<u8>,), Answer<()>>>,
    /// A trap leaves the store unusable.
    trapped: bool,
    /// What it saved last.
    saved: Option<Vec<u8>>,
    /// What it calls itself and its state, once it has described itself.
    version: String,
    state_version: u32,
    /// Whether it goes on with the state in a checkpoint.
    carries_state: bool,
    /// What it was made of, to make it again. The engine also keeps the clock ticking.
    engine: Rc<PluginEngine>,
    component: Component,
    settings: PluginSettings,
}

impl Plugin {
    /// Instantiates a component under its limits. Neither describes nor configures it.
    ///
    /// # Errors
    /// If it does not link, has a phase of another type, traps, or takes longer than `load_time`.
    pub fn new(
        engine: &Rc<PluginEngine>,
        component: &Component,
        settings: &PluginSettings,
    ) -> Result<Plugin> {
        let name: Arc<str> = settings.name.as_str().into();
        let state = PluginState::new(
            name.clone(),
            settings.grants,
            settings.limits,
            settings.seed,
            engine.engine.ticks(),
            engine.engine.profile(),
        );
        let mut store = new_store(engine, state);
        store.data_mut().deadline.heed(engine.engine.interrupted());
        let linked = engine.linker.instantiate_pre(component.code());
        let linked = linked
            .map_err(|error| anyhow!("{error:#}"))
            .with_context(|| {
                format!(
                    "callback `{name}` ({}) wants more of the host than {CONTRACT}",
                    component.path.display()
                )
            })?;
        let ticks = store.data_mut().begin_load();
        allow(&mut store, ticks);
        let instance = linked
            .instantiate(&mut store)
            .map_err(|error| trap::explain(error, &mut store))
            .with_context(|| {
                format!(
                    "callback `{name}` ({}) cannot be started",
                    component.path.display()
                )
            })?;
        take_stock(&mut store);
        store.data_mut().end_call();
        let mut exports = Exports {
            store: &mut store,
            instance,
            component,
        };
        let mut calls = [const { None }; Phase::ALL.len()];
        for phase in component.phases.iter() {
            calls[phase as usize] = exports.typed(phase.name())?;
        }
        let (describe, configure) = (exports.typed("describe")?, exports.typed("configure")?);
        let (save_state, load_state) = (exports.typed("save-state")?, exports.typed("load-state")?);
        Ok(Plugin {
            name,
            sha256: component.sha256.clone(),
            path: component.path.display().to_string(),
            phases: component.phases,
            store,
            calls,
            describe,
            configure,
            save_state,
            load_state,
            trapped: false,
            saved: None,
            version: String::new(),
            state_version: 0,
            carries_state: true,
            engine: engine.clone(),
            component: component.clone(),
            settings: settings.clone(),
        })
    }

    /// What it says about itself; empty if it does not export `describe`.
    ///
    /// # Errors
    /// If the call traps or the answer is not the JSON that the contract asks for.
    pub fn describe(&mut self) -> Result<Description> {
        let Some(describe) = self.describe.take() else {
            return Ok(Description::default());
        };
        let text = self.run("describe", |store| describe.call(store, ()))?.0;
        let description: Description = serde_json::from_str(&text).with_context(|| {
            format!(
                "callback `{}`: `describe` must give the JSON of wit/callback.wit, not `{}`",
                self.name,
                one_line(store::clip(&text))
            )
        })?;
        (self.version, self.state_version) =
            (description.version.clone(), description.state_version);
        Ok(description)
    }

    /// Gives it rights, in place of those it had.
    pub fn grant(&mut self, grants: Grants) {
        self.store.data_mut().grants = grants;
        self.settings.grants = grants;
    }

    /// From now on a checkpoint's state of it is left alone.
    pub fn begin_without_state(&mut self) {
        self.carries_state = false;
    }

    /// Hands over its parameters.
    ///
    /// # Errors
    /// The plugin's own refusal; or parameters for a plugin that takes none.
    pub fn configure(&mut self, params: &serde_json::Value) -> Result<()> {
        let none = params.is_null() || params.as_object().is_some_and(|map| map.is_empty());
        let Some(configure) = self.configure.take() else {
            ensure!(
                none,
                "callback `{}` takes no parameters: remove `params` from its entry",
                self.name
            );
            return Ok(());
        };
        let text = if params.is_null() {
            "{}".to_owned()
        } else {
            params.to_string()
        };
        let (answer,) = self.run("configure", |store| configure.call(store, (text,)))?;
        self.accept(answer, "refuses its parameters")
    }

    /// A call outside any phase: the guest gets `load_time`, and no context.
    fn run<T>(
        &mut self,
        what: &str,
        call: impl FnOnce(&mut Store<PluginState>) -> wasmtime::Result<T>,
    ) -> Result<T> {
        ensure!(
            !self.trapped,
            "callback `{}` has trapped before and cannot be called",
            self.name
        );
        let ticks = self.store.data_mut().begin_load();
        allow(&mut self.store, ticks);
        let answer = guard::guarded(|| call(&mut self.store));
        take_stock(&mut self.store);
        self.store.data_mut().end_call();
        answer
            .map_err(|error| self.trap(error))
            .with_context(|| format!("callback `{}` failed in `{what}`", self.name))
    }

    /// Turns the answer of a guest into a result.
    fn accept<T>(&self, answer: std::result::Result<T, GuestError>, what: &str) -> Result<T> {
        answer.map_err(|error| {
            anyhow!(
                "callback `{}` {what}: {}",
                self.name,
                indented(&error::truncate(error.message))
            )
        })
    }

    fn state_bytes(&self) -> usize {
        usize::try_from(self.store.data().limits[Limit::State]).unwrap_or(usize::MAX)
    }

    fn check_state(&mut self, bytes: Vec<u8>) -> Result<Vec<u8>> {
        let state = self.store.data_mut();
        let size = bytes.len() as u64;
        if size > state.limits[Limit::State] {
            state.usage.refuse(Limit::State);
            let limit = Limit::State.exceeded(state.limits[Limit::State]);
            bail!(
                "callback `{}` gave {} of state, and {limit}",
                self.name,
                Limit::State.show(size)
            );
        }
        state.usage.set(Limit::State, size);
        Ok(bytes)
    }

    fn trap(&mut self, error: wasmtime::Error) -> anyhow::Error {
        self.trapped = true;
        trap::explain(error, &mut self.store)
    }

    /// Moves the context in, calls, and moves it out again whatever happened.
    fn lend_and_call(
        &mut self,
        phase: Phase,
        context: &mut Lendable<Context>,
    ) -> wasmtime::Result<std::result::Result<(), GuestError>> {
        let Some(call) = &self.calls[phase as usize] else {
            return Ok(Ok(()));
        };
        let state = self.store.data_mut();
        context.lend(&mut state.context);
        let ticks = state.begin_phase();
        allow(&mut self.store, ticks);
        let answer = guard::guarded(|| call.call(&mut self.store, (Resource::new_borrow(0),)));
        take_stock(&mut self.store);
        let state = self.store.data_mut();
        context.take_back(&mut state.context);
        state.end_call();
        answer.map(|(answer,)| answer)
    }
}

/// Gives the guest the time it may take: ticks of the clock, or as much fuel as the limit has nanoseconds.
#[inline]
fn allow(store: &mut Store<PluginState>, ticks: u64) {
    match store.data().profile {
        Profile::Fast => store.set_epoch_deadline(ticks),
        Profile::Deterministic => {
            let fuel = store.data().deadline.fuel();
            store
                .set_fuel(fuel)
                .unwrap_or_else(|error| tracing::error!("fuel is not counted: {error}"));
        }
    }
}

/// Notes the fuel that is left, where the guest had any.
#[inline]
fn take_stock(store: &mut Store<PluginState>) {
    if store.data().profile == Profile::Deterministic {
        let left = store.get_fuel().unwrap_or_default();
        store.data_mut().deadline.burn(left);
    }
}

fn new_store(engine: &PluginEngine, state: PluginState) -> Store<PluginState> {
    let handles = usize::try_from(state.limits[Limit::Handles]).unwrap_or(usize::MAX);
    let mut store = Store::new(engine.engine.wasmtime(), state);
    store.limiter(|state| &mut state.limiter);
    // Every kind of handle may be full, and one call may lend as many again as `cat` joins.
    store.set_max_component_handles(
        handles
            .saturating_mul(4)
            .saturating_add(2 * tensor::MAX_JOINED),
    );
    store.set_hostcall_fuel(MAX_CALL_BYTES);
    store.epoch_deadline_callback(Deadline::reached);
    store.call_hook(|mut store, hook| {
        let state = store.data_mut();
        match hook {
            CallHook::CallingHost => state.enter_host()?,
            CallHook::ReturningFromHost => state.deadline.leave_host(),
            // A guest's `realloc`, called for an argument of its own, is the guest's time.
            CallHook::CallingWasm => state.deadline.leave_host(),
            CallHook::ReturningFromWasm => state.deadline.enter_host(),
        }
        Ok(())
    });
    store
}

/// What a guest may hand over in one host call: the 4 Mi elements of a tensor and some room.
const MAX_CALL_BYTES: usize = 20 << 20;
/// What the answer of `save-state` takes beyond its bytes: an error's message instead of them.
const STATE_ROOM: usize = 1 << 20;

/// Looks exports up, once, so that a call does not.
struct Exports<'a> {
    store: &'a mut Store<PluginState>,
    instance: Instance,
    component: &'a Component,
}

impl Exports<'_> {
    fn typed<Params, Returned>(&mut self, name: &str) -> Result<Option<TypedFunc<Params, Returned>>>
    where
        Params: ComponentNamedList + Lower,
        Returned: ComponentNamedList + Lift,
    {
        let Some(index) = self.component.export(name) else {
            return Ok(None);
        };
        let Some(function) = self.instance.get_func(&mut *self.store, index) else {
            bail!(
                "{}: `{name}` is not a function",
                self.component.path.display()
            );
        };
        let typed = function.typed(&*self.store).map_err(|error| anyhow!(error));
        typed.map(Some).with_context(|| {
            format!(
                "{}: `{name}` has another type than {CONTRACT} gives it; see wit/callback.wit",
                self.component.path.display()
            )
        })
    }
}

impl Callback for Plugin {
    fn name(&self) -> &str {
        &self.name
    }

    fn phases(&self) -> PhaseSet {
        self.phases
    }

    fn changes(&self) -> Option<Changes> {
        Some(grants::changes(self.store.data().grants))
    }

    fn is_usable(&self) -> bool {
        !self.trapped
    }

    fn on_phase(&mut self, phase: Phase, context: &mut Lendable<Context>) -> Result<()> {
        ensure!(
            !self.trapped,
            "it has trapped before and cannot be called again"
        );
        let counters = &mut self.store.data_mut().counters;
        counters.calls += 1;
        let begun = counters.sample.takes_next().then(Instant::now);
        let answer = self.lend_and_call(phase, context);
        let state = self.store.data_mut();
        // What is not in the sample is still seen when it was long: the clock of deadlines ticked, more than once.
        let time = begun
            .map(|begun| begun.elapsed())
            .or_else(|| state.deadline.at_least());
        if let Some(time) = time {
            state.counters.call_time.record(time);
        }
        match answer {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(anyhow!("{}", indented(&error::truncate(error.message)))),
            Err(error) => Err(self.trap(error)),
        }
    }

    fn reload(&mut self) -> Result<()> {
        let saved = if self.trapped {
            None
        } else {
            self.save_state().ok().and_then(|state| state.bytes)
        };
        let saved = saved.or_else(|| self.saved.take());
        let mut fresh = Plugin::new(&self.engine, &self.component, &self.settings)?;
        fresh.configure(&self.settings.params)?;
        fresh.store.data_mut().take_over(self.store.data_mut());
        let loaded = saved
            .clone()
            .map_or(Ok(()), |bytes| fresh.load_bytes(bytes));
        if loaded.is_err() {
            self.store.data_mut().take_over(fresh.store.data_mut());
            self.saved = saved;
            return loaded;
        }
        let version = std::mem::take(&mut self.version);
        *self = Plugin {
            saved,
            version,
            state_version: self.state_version,
            ..fresh
        };
        Ok(())
    }

    fn save_state(&mut self) -> Result<CallbackState> {
        let guest = match self.save_state.take() {
            _ if self.trapped => self.saved.clone(),
            None => None,
            Some(save) => {
                self.store
                    .set_hostcall_fuel(self.state_bytes().saturating_add(STATE_ROOM));
                let answer = self.run("save-state", |store| save.call(store, ()));
                self.store.set_hostcall_fuel(MAX_CALL_BYTES);
                self.save_state = Some(save);
                Some(
                    self.accept(answer?.0, "cannot save its state")
                        .and_then(|bytes| self.check_state(bytes))?,
                )
            }
        };
        self.saved.clone_from(&guest);
        let state = self.store.data();
        let tensors = state
            .stored
            .iter()
            .flat_map(|(name, stored)| stored.named(name))
            .collect();
        Ok(CallbackState {
            bytes: guest,
            random_draws: state.random.draws,
            tensors,
            sha256: self.sha256.clone(),
            version: self.version.clone(),
            state_version: self.state_version,
        })
    }

    fn load_state(&mut self, saved: CallbackState) -> Result<()> {
        if !self.carries_state {
            tracing::info!(
                "callback `{}` begins anew, as `on_state: fresh` says",
                self.name
            );
            return Ok(());
        }
        self.succeed(saved)
    }

    fn report(&self) -> CallbackReport {
        let state = self.store.data();
        CallbackReport {
            name: self.name.to_string(),
            source: self.path.clone(),
            sha256: self.sha256.clone(),
            grants: state
                .grants
                .names()
                .into_iter()
                .map(str::to_owned)
                .collect(),
            counters: state.counters.clone(),
            limits: Some((state.limits, state.usage_at_end())),
            live_handles: (state.tensors.len() + state.groups.len() + state.scalars.len()) as u64,
            peak_memory_bytes: state.limiter.peak_bytes,
            ..CallbackReport::default()
        }
    }
}
