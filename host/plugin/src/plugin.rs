//! A callback that is an instantiated component: what the trainer calls, and the state that outlives an
//! instance. Calling into the guest is `instance`'s part.

use std::rc::Rc;
use std::time::Instant;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use phasebox_component::{Component, Description};
use phasebox_contract::grants::Grants;
use phasebox_contract::limits::Limit;
use phasebox_contract::phase::{Phase, PhaseSet};
use phasebox_contract::printable::one_line;
use phasebox_contract::small_json;
use phasebox_train::callback::{Callback, CallbackReport, CallbackState, Changes};
use phasebox_train::context::{Context, Lendable};

use crate::configured::Code;
use crate::engine::PluginEngine;
use crate::error::{clip, said};
use crate::grants;
use crate::instance::{GuestResult, Instance};
use crate::settings::PluginSettings;

/// A callback that is an instantiated component.
pub struct Plugin {
    pub(crate) instance: Instance,
    /// The phases at which it is called.
    pub(crate) phases: PhaseSet,
    /// The code that it is known by: the component, or the script that this runs.
    pub(crate) code: Code,
    /// The state that the guest saved last, which `reload` falls back to after a trap.
    pub(crate) saved: Option<Vec<u8>>,
    /// The version that the guest gives itself in `describe`; empty before.
    pub(crate) version: String,
    /// The newest format of saved state that the guest reads, as `describe` says; 0 before.
    pub(crate) state_version: u32,
    /// False if the recipe says `on_state: fresh`: the state in a checkpoint is then left alone.
    carries_state: bool,
    /// The facts that `check-run` has received, for the instance after a reload.
    facts: Option<String>,
    engine: Rc<PluginEngine>,
    pub(crate) component: Component,
    pub(crate) settings: PluginSettings,
}

impl Plugin {
    /// Instantiates a component under its limits. Neither describes nor configures it.
    ///
    /// # Errors
    /// If it does not link, exports a function of another type, traps, or takes longer than `load_time`.
    pub fn new(
        engine: &Rc<PluginEngine>,
        component: &Component,
        settings: &PluginSettings,
    ) -> Result<Plugin> {
        Ok(Plugin {
            instance: Instance::new(engine, component, settings)?,
            phases: component.phases,
            code: Code {
                source: component.path.display().to_string(),
                sha256: component.sha256,
            },
            saved: None,
            version: String::new(),
            state_version: 0,
            carries_state: true,
            facts: None,
            engine: engine.clone(),
            component: component.clone(),
            settings: settings.clone(),
        })
    }

    /// The plugin's description of itself; empty if it does not export `describe`.
    ///
    /// # Errors
    /// If the call traps, or the answer is not the JSON that the contract asks for.
    pub fn describe(&mut self) -> Result<Description> {
        let Some(text) = self.instance.describe()? else {
            return Ok(Description::default());
        };
        let read = small_json::parse_object::<Description>(&text);
        let description = read.with_context(|| {
            format!(
                "callback `{}`: `describe` must give the JSON of wit/callback.wit, not `{}`",
                self.settings.name,
                one_line(clip(&text))
            )
        })?;
        self.version.clone_from(&description.version);
        self.state_version = description.state_version;
        Ok(description)
    }

    /// Gives the plugin these rights in place of those it had.
    pub fn grant(&mut self, grants: Grants) {
        self.instance.state_mut().grants = grants;
        self.settings.grants = grants;
    }

    /// Leaves the plugin's state in a checkpoint alone from now on.
    pub fn begin_without_state(&mut self) {
        self.carries_state = false;
    }

    /// Hands the parameters over: a JSON object, or null for none.
    ///
    /// # Errors
    /// The plugin's own refusal; or parameters for a plugin that takes none.
    pub fn configure(&mut self, params: &serde_json::Value) -> Result<()> {
        let runs_script = self.code.sha256 != self.component.sha256;
        let refusal = match runs_script {
            true => "cannot run its script",
            false => "refuses its parameters",
        };
        match self.instance.configure(params_text(params))? {
            Some(answer) => self.accept(answer, refusal),
            None => self.check_no_params(params),
        }
    }

    /// Lets the guest check its parameters against the run.
    fn check_facts(&mut self, facts: String) -> Result<()> {
        match self.instance.check_run(facts)? {
            Some(answer) => self.accept(answer, "cannot work in this run"),
            None => Ok(()),
        }
    }

    fn check_no_params(&self, params: &serde_json::Value) -> Result<()> {
        let none = params.is_null() || params.as_object().is_some_and(|map| map.is_empty());
        ensure!(
            none,
            "callback `{}` takes no parameters: remove `params` from its entry",
            self.settings.name
        );
        Ok(())
    }

    /// Makes a result of the guest's answer; `refusal` says what an error of the guest means.
    fn accept<T>(&self, answer: GuestResult<T>, refusal: &str) -> Result<T> {
        answer.map_err(|error| {
            anyhow!(
                "callback `{}` {refusal}: {}",
                self.settings.name,
                said(error)
            )
        })
    }

    /// The state that the guest saves now; after a trap the state it saved last. None if it saves none.
    fn guest_state(&mut self) -> Result<Option<Vec<u8>>> {
        if self.instance.has_trapped() {
            return Ok(self.saved.clone());
        }
        let Some(answer) = self.instance.save_state()? else {
            return Ok(None);
        };
        let bytes = self.accept(answer, "cannot save its state")?;
        self.count_state(bytes.len() as u64)?;
        Ok(Some(bytes))
    }

    /// Counts saved bytes against the limit `state`, or refuses them.
    fn count_state(&mut self, size: u64) -> Result<()> {
        let state = self.instance.state_mut();
        let limit = state.limits[Limit::State];
        if size > limit {
            state.usage.refuse(Limit::State);
            bail!(
                "callback `{}` gave {} of state, and {}",
                self.settings.name,
                Limit::State.show(size),
                Limit::State.exceeded(limit)
            );
        }
        state.usage.set(Limit::State, size);
        Ok(())
    }

    /// Hands the guest a state that `save-state` gave.
    pub(crate) fn load_guest_state(&mut self, bytes: Vec<u8>) -> Result<()> {
        match self.instance.load_state(bytes)? {
            Some(answer) => self.accept(answer, "cannot read its saved state"),
            None => bail!(
                "{} does not export `load-state`",
                self.component.path.display()
            ),
        }
    }

    /// Configures the fresh instance, and lets it go on where `old` ended. If it cannot, `old` has
    /// everything back.
    fn take_over_from(&mut self, old: &mut Instance) -> Result<()> {
        let params = self.settings.params.clone();
        self.configure(&params)?;
        if let Some(facts) = self.facts.clone() {
            self.check_facts(facts)?;
        }
        self.instance.state_mut().take_over(old.state_mut());
        let saved = self.saved.clone();
        let loaded = saved.map_or(Ok(()), |bytes| self.load_guest_state(bytes));
        if loaded.is_err() {
            old.state_mut().take_over(self.instance.state_mut());
        }
        loaded
    }
}

/// Parameters as `configure` gets them.
fn params_text(params: &serde_json::Value) -> String {
    match params.is_null() {
        true => "{}".to_owned(),
        false => params.to_string(),
    }
}

impl Callback for Plugin {
    fn name(&self) -> &str {
        &self.settings.name
    }

    fn phases(&self) -> PhaseSet {
        self.phases
    }

    fn changes(&self) -> Option<Changes> {
        Some(grants::changes(self.instance.state().grants))
    }

    fn check_run(&mut self, facts: &serde_json::Value) -> Result<()> {
        let facts = facts.to_string();
        self.facts = Some(facts.clone());
        self.check_facts(facts)
    }

    fn is_usable(&self) -> bool {
        !self.instance.has_trapped()
    }

    fn on_phase(&mut self, phase: Phase, context: &mut Lendable<Context>) -> Result<()> {
        ensure!(
            !self.instance.has_trapped(),
            "it has trapped before and cannot be called again"
        );
        let counters = &mut self.instance.state_mut().counters;
        counters.calls += 1;
        let begun = counters.sample.takes_next().then(Instant::now);
        let answer = self.instance.call_at(phase, context);
        let state = self.instance.state_mut();
        // A call outside the sample is still seen if it was long: the clock of deadlines ticked more than once.
        let time = begun
            .map(|begun| begun.elapsed())
            .or_else(|| state.deadline.at_least());
        if let Some(time) = time {
            state.counters.call_time.record(time);
        }
        match answer {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(anyhow!("{}", said(error))),
            Err(error) => Err(self.instance.trap(error)),
        }
    }

    fn reload(&mut self) -> Result<()> {
        // A guest that cannot save its state goes on with the state it saved last.
        if let Ok(bytes) = self.guest_state() {
            self.saved = bytes;
        }
        let fresh = Instance::new(&self.engine, &self.component, &self.settings)?;
        let mut old = std::mem::replace(&mut self.instance, fresh);
        let reloaded = self.take_over_from(&mut old);
        if reloaded.is_err() {
            self.instance = old;
        }
        reloaded
    }

    fn save_state(&mut self) -> Result<CallbackState> {
        let bytes = self.guest_state()?;
        self.saved.clone_from(&bytes);
        let state = self.instance.state();
        let stored = state.stored.iter();
        Ok(CallbackState {
            bytes,
            random_draws: state.random.draws,
            tensors: stored
                .flat_map(|(name, stored)| stored.named(name))
                .collect(),
            sha256: self.code.sha256.to_string(),
            version: self.version.clone(),
            state_version: self.state_version,
        })
    }

    fn load_state(&mut self, saved: CallbackState) -> Result<()> {
        if !self.carries_state {
            tracing::info!(
                "callback `{}` begins anew, as `on_state: fresh` says",
                self.settings.name
            );
            return Ok(());
        }
        self.take_over_state(saved)
    }

    fn report(&self) -> CallbackReport {
        let state = self.instance.state();
        let grants = state.grants.names();
        CallbackReport {
            name: self.settings.name.clone(),
            source: self.code.source.clone(),
            sha256: self.code.sha256.to_string(),
            grants: grants.into_iter().map(str::to_owned).collect(),
            counters: state.counters.clone(),
            limits: Some((state.limits, state.usage_at_end())),
            live_handles: state.live_handles(),
            peak_memory_bytes: state.limiter.peak_bytes,
            ..CallbackReport::default()
        }
    }
}
