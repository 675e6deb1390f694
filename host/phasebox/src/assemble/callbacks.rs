//! Loads the callbacks of a recipe: stock names to files, digests, grants, limits, parameters. Calling them is the
//! trainer's.

use std::path::Path;
use std::rc::Rc;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use phasebox_component::{Component, Description, Profile, Schema};
use phasebox_contract::digest::Digest;
use phasebox_contract::grants::{Grant, Grants};
use phasebox_contract::limits::Limits;
use phasebox_contract::phase::{Phase, PhaseSet};
use phasebox_contract::policy::{OnError, OnState, When};
use phasebox_contract::printable::one_line;
use phasebox_contract::suggest;
use phasebox_plugin::{Plugin, PluginEngine, PluginSettings};
use phasebox_recipe::{CallbackEntry, CallbackSource, Node, Recipe};
use phasebox_train::callback::{Callback, Callbacks, Subscriber};
use serde_json::Value;

use super::Options;
use super::build::{Built, at};
use super::lock::{self, Lock, Locked};
use super::policy::Policies;
use super::process_cache::{ProcessCache, downloads};
use super::script::ScriptText;
use super::search::Search;
use super::sources::{Located, Sources};

/// A callback in its place, ready to be called.
pub struct PlannedCallback {
    callback: Box<dyn Callback>,
    when: When,
    on_error: OnError,
    lock: Option<Locked>,
    limits: Option<Limits>,
    /// Metrics that it publishes at every on-validation-loader-end, as `<callback>/<name>`.
    metrics: Vec<String>,
    /// Its entry in the recipe; none for native callbacks.
    written: Option<Node>,
    /// A function that it imports, of which every call will be denied, with its grant.
    denied: Option<(&'static str, Grant)>,
    /// The name of its file, if it is a stock callback, and the parameters that it was given.
    stock: Option<(String, Value)>,
}

impl PlannedCallback {
    pub(super) fn native(
        callback: Box<dyn Callback>,
        when: When,
        on_error: OnError,
    ) -> PlannedCallback {
        PlannedCallback {
            callback,
            when,
            on_error,
            lock: None,
            limits: None,
            metrics: Vec::new(),
            written: None,
            denied: None,
            stock: None,
        }
    }

    /// True for the stock callback of that file.
    pub(super) fn is_stock(&self, file: &str) -> bool {
        self.stock.as_ref().is_some_and(|(own, _)| own == file)
    }

    /// The parameters that a stock callback was given.
    pub(super) fn params(&self) -> &Value {
        self.stock
            .as_ref()
            .map_or(&Value::Null, |(_, params)| params)
    }

    /// Lets it check its parameters against the run.
    ///
    /// # Errors
    /// Its refusal, with the place of its entry.
    pub(super) fn check_run(&mut self, facts: &mut Value) -> Result<()> {
        facts["grants"] = self.grants().into();
        let checked = self.callback.check_run(facts);
        match &self.written {
            Some(entry) => at(&[entry], checked),
            None => checked,
        }
    }

    /// A function that it imports, of which every call will be denied, with its grant.
    pub(super) fn denied(&self) -> Option<(&'static str, Grant)> {
        self.denied
    }

    /// The metrics that it publishes at every on-validation-loader-end.
    pub fn metrics(&self) -> &[String] {
        &self.metrics
    }

    /// Its name in the run.
    pub fn name(&self) -> &str {
        self.callback.name()
    }

    /// Its entry in the recipe; none for native callbacks.
    pub(super) fn written(&self) -> Option<&Node> {
        self.written.as_ref()
    }

    /// As planning sees it.
    pub fn subscriber(&self) -> Subscriber<'_> {
        Subscriber::of(self.callback.as_ref())
    }

    /// The phases it is called at.
    pub fn phases(&self) -> PhaseSet {
        self.callback.phases()
    }

    /// The names of its rights beyond reading without a sync and logging.
    pub fn grants(&self) -> &[String] {
        self.lock.as_ref().map_or(&[], |lock| &lock.grants)
    }

    /// Bounds on what it uses; none for native callbacks.
    pub fn limits(&self) -> Option<&Limits> {
        self.limits.as_ref()
    }

    /// Where it comes from, and the digest of its code.
    pub fn source(&self) -> String {
        match &self.lock {
            Some(lock) => {
                let sha256 = lock.script.as_ref().unwrap_or(&lock.sha256);
                format!("{} sha256:{}", lock.source, &sha256[..12])
            }
            None => "native".to_owned(),
        }
    }
}

/// The callbacks for the trainer, and their records for the run's folder.
pub(super) fn into_callbacks(planned: Vec<PlannedCallback>) -> (Callbacks, Vec<Locked>) {
    let (mut callbacks, mut locked) = (Callbacks::default(), Vec::new());
    for PlannedCallback {
        callback,
        when,
        on_error,
        lock,
        ..
    } in planned
    {
        callbacks.push(callback, when, on_error);
        locked.extend(lock);
    }
    (callbacks, locked)
}

/// Those that are files; native callbacks have no digest.
pub(super) fn locked(planned: &[PlannedCallback]) -> Vec<&Locked> {
    planned
        .iter()
        .filter_map(|callback| callback.lock.as_ref())
        .collect()
}

/// Loads the recipe's callbacks in their order, held to their lock if there is one. The engine is only made if there
/// is a callback. Names that are files' have been resolved.
pub(super) fn load(
    recipe: &Recipe,
    built: &Built,
    options: &Options,
    (policies, search): (&Policies, &Search),
    cache: &mut ProcessCache,
) -> Result<Vec<PlannedCallback>> {
    let entries = &recipe.training_hyperparams.phase_callbacks;
    let lock = options
        .lock
        .as_deref()
        .map(Lock::read)
        .transpose()?
        .flatten();
    let mut planned = Vec::new();
    if !entries.is_empty() {
        let engine = cache.engine(
            options.cache_dir.as_deref(),
            profile(recipe),
            &options.interrupt,
        )?;
        let loading = Loading {
            recipe,
            built,
            lock: lock.as_ref(),
            sources: Sources {
                stock: search.stock(),
                downloads: downloads(options.interrupt.asked()),
                stand_in: options.stand_in.as_ref(),
            },
            engine,
            policies,
        };
        planned = entries
            .iter()
            .map(|entry| loading.entry_at_its_line(entry))
            .collect::<Result<_>>()?;
    }
    lock.map_or(Ok(()), |lock| lock.admit_all(&locked(&planned)))?;
    Ok(planned)
}

fn profile(recipe: &Recipe) -> Profile {
    match recipe.training_hyperparams.deterministic_callbacks {
        true => Profile::Deterministic,
        false => Profile::Fast,
    }
}

/// Everything that loading an entry needs beside the entry.
struct Loading<'a> {
    recipe: &'a Recipe,
    built: &'a Built,
    lock: Option<&'a Lock>,
    sources: Sources<'a>,
    engine: Rc<PluginEngine>,
    policies: &'a Policies,
}

impl Loading<'_> {
    /// Refuses bytes that are not those of the recipe's digest, or of its lock, before anything looks at them.
    fn admit(
        &self,
        (entry, held): (&CallbackEntry, Option<Digest>),
        path: &Path,
        sha256: Digest,
    ) -> Result<()> {
        if self.sources.stand_in.is_some() {
            return Ok(());
        }
        check_digest(entry, path, sha256)?;
        ensure!(
            held.is_none_or(|held| held == sha256),
            "{} was changed after it was fetched: remove it, and it is fetched again",
            path.display()
        );
        self.lock.map_or(Ok(()), |lock| {
            lock.admit(&entry.name, path, &sha256.to_string())
        })
    }

    /// Every mistake in an entry is reported where it stands.
    fn entry_at_its_line(&self, entry: &CallbackEntry) -> Result<PlannedCallback> {
        at(&[&entry.written], self.entry(entry))
    }

    fn entry(&self, entry: &CallbackEntry) -> Result<PlannedCallback> {
        let script = ScriptText::of(entry, self.lock)?;
        let Located { path, lower, held } = self.sources.file(entry)?;
        let params = match &script {
            Some(script) => script.params(&entry.params),
            None => lower(self.recipe, self.built, &entry.params)?,
        };
        let limits = self.policies.limits(entry.limits);
        let admit = |sha256: Digest| self.admit((entry, held), &path, sha256);
        let engine = self.engine.engine();
        let refuses = self.policies.refuses_wasi(entry);
        let component = Component::load_within(engine, &path, &limits, &admit, refuses.as_deref())?;
        let settings = self.settings(entry, &params, limits);
        let mut plugin = Plugin::new(&self.engine, &component, &settings)?;
        let description = plugin.describe()?;
        let grants = grants(entry, &description)?;
        self.policies.check_grants(&entry.name, grants)?;
        plugin.grant(grants);
        check_params(&entry.name, &description, &params)?;
        if let Some(script) = &script {
            plugin.runs(script.code());
        }
        plugin.configure(&params)?;
        let metrics = plugin.describe_configured()?.metrics;
        let metrics = metrics.unwrap_or(description.metrics);
        let metrics = published(entry, &metrics, plugin.phases())?;
        if entry.on_state == OnState::Fresh {
            plugin.begin_without_state();
        }
        check_called(&component)?;
        let denied = denied(entry, &component, grants);
        let lock = Locked {
            script: script.map(|script| script.sha256.to_string()),
            ..self.locked(entry, component, description.version, grants)
        };
        Ok(PlannedCallback {
            callback: Box::new(plugin),
            when: entry.when,
            on_error: entry.on_error,
            lock: Some(lock),
            limits: Some(limits),
            metrics,
            written: Some(entry.written.clone()),
            denied,
            stock: stock_file(entry, &path).map(|file| (file, params)),
        })
    }

    /// The record of a component, without its script.
    fn locked(
        &self,
        entry: &CallbackEntry,
        component: Component,
        version: String,
        grants: Grants,
    ) -> Locked {
        Locked {
            name: entry.name.clone(),
            source: lock::source(&entry.source, &self.recipe.folder()),
            sha256: component.sha256.to_string(),
            script: None,
            interface: component.callback_interface,
            version,
            grants: grants.names().into_iter().map(str::to_owned).collect(),
        }
    }

    /// Grants are given once the plugin has said which it wants.
    fn settings(&self, entry: &CallbackEntry, params: &Value, limits: Limits) -> PluginSettings {
        PluginSettings {
            name: entry.name.clone(),
            params: params.clone(),
            grants: Grants::default(),
            limits,
            seed: self.recipe.training_hyperparams.seed,
        }
    }
}

/// Refuses a component without a function that a run would call.
fn check_called(component: &Component) -> Result<()> {
    let is_called =
        component.phases.iter().next().is_some() || component.export("check-run").is_some();
    ensure!(
        is_called,
        "{} has no function for a phase, so that it would never be called: export one, such as `on-train-batch-end`; in a \
         project, name a function like a phase and run `phasebox build`",
        component.path.display()
    );
    Ok(())
}

/// The name of a stock callback's file, without `.wasm`.
fn stock_file(entry: &CallbackEntry, path: &Path) -> Option<String> {
    match entry.source {
        CallbackSource::Named(_) | CallbackSource::Stock(_) => {
            Some(path.file_stem()?.to_str()?.to_owned())
        }
        CallbackSource::File(_) | CallbackSource::Locator(_) | CallbackSource::Script(_) => None,
    }
}

/// The most metrics that one callback publishes, as the contract says.
const MAX_PUBLISHED: usize = 256;

/// The metrics that a description lists, as they will be named.
fn published(entry: &CallbackEntry, metrics: &[String], phases: PhaseSet) -> Result<Vec<String>> {
    let count = metrics.len();
    if count > MAX_PUBLISHED {
        bail!(
            "callback `{}` lists {count} metrics in `describe`: {MAX_PUBLISHED} are the most",
            entry.name
        );
    }
    let is_called = phases.contains(Phase::ValidationLoaderEnd);
    if !metrics.is_empty() && !is_called {
        bail!(
            "callback `{}` lists metrics in `describe`, but is not called at {}, where it would publish them",
            entry.name,
            Phase::ValidationLoaderEnd
        );
    }
    let names = metrics.iter();
    Ok(names
        .map(|name| format!("{}/{}", entry.name, one_line(name)))
        .collect())
}

/// The digest of a script is that of its text, which [`ScriptText`] compares.
fn check_digest(entry: &CallbackEntry, path: &Path, sha256: Digest) -> Result<()> {
    let is_script = matches!(entry.source, CallbackSource::Script(_));
    let Some(expected) = entry.digest.filter(|_| !is_script) else {
        return Ok(());
    };
    if expected == sha256 {
        return Ok(());
    }
    bail!(
        "callback `{}`: the recipe accepts only sha256:{expected}, {} is sha256:{sha256}; restore the file, or change `digest`",
        entry.name,
        path.display()
    )
}

/// The grants of an entry: those that are written; if none are, a stock callback gets those it asks for, and a file
/// gets none.
fn grants(entry: &CallbackEntry, description: &Description) -> Result<Grants> {
    let wanted = description
        .grants
        .iter()
        .map(|name| {
            known_grant(name)
                .with_context(|| format!("callback `{}` asks for it in `describe`", entry.name))
        })
        .collect::<Result<Grants>>()?;
    let given = match &entry.grants {
        None if matches!(
            entry.source,
            CallbackSource::Named(_) | CallbackSource::Stock(_)
        ) =>
        {
            wanted
        }
        None => Grants::default(),
        Some(written) => written
            .iter()
            .map(|grant| known_grant(&grant.name))
            .collect::<Result<Grants>>()?,
    };
    let missing = wanted.without(given);
    if missing.is_empty() {
        return Ok(given);
    }
    let all = wanted.names().join(", ");
    bail!(
        "callback `{}` wants to {}, which the recipe does not grant; if it may, write `grants: [{all}]` in its entry \
         (the long form: `- wasm: …`)",
        entry.name,
        missing
            .names()
            .iter()
            .filter_map(|name| Grant::from_name(name))
            .map(Grant::allows)
            .collect::<Vec<_>>()
            .join(", and "),
    )
}

/// The first imported function of which every call will be denied, with its grant. Nothing where the recipe lists grants:
/// then somebody has decided.
fn denied(
    entry: &CallbackEntry,
    component: &Component,
    grants: Grants,
) -> Option<(&'static str, Grant)> {
    // An interpreter imports all functions; its script is checked by itself.
    let is_script = matches!(entry.source, CallbackSource::Script(_));
    let mut needs = component.needs.iter().copied().filter(|_| !is_script);
    needs.find(|(_, grant)| entry.grants.is_none() && !grants.has(*grant))
}

/// Holds parameters to the schema that the callback gives for them.
fn check_params(name: &str, description: &Description, params: &Value) -> Result<()> {
    let schema = Schema::read(&description.parameters).map_err(|reason| {
        anyhow!("callback `{name}` describes its parameters wrongly: {reason}")
    })?;
    let fit = schema.check(params);
    fit.map_err(|misfit| anyhow!("callback `{name}` refuses its parameters: {misfit}"))
}

fn known_grant(name: &str) -> Result<Grant> {
    Grant::from_name(name).ok_or_else(|| {
        anyhow!(
            "there is no grant `{}`{}",
            one_line(name),
            suggest::hint(name, Grant::NAMES)
        )
    })
}
