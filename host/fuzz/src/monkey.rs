//! Arbitrary sequences of host calls, which `tests/guests/monkey` reads from the bytes and makes at every phase.

use std::cell::{LazyCell, RefCell};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::{Context as _, Result};
use phasebox_component::{Component, Engine};
use phasebox_contract::grants::{Grant, Grants};
use phasebox_contract::limits::{Limit, Limits};
use phasebox_contract::phase::{Phase, PhaseSet};
use phasebox_plugin::{Plugin, PluginEngine, PluginSettings};
use phasebox_train::callback::{Callback, CallbackReport, CallbackState};
use phasebox_train::context::{Context, Lendable};
use serde_json::{Value, json};

use crate::training::{self, Variant};

/// The bytes of a program that are used. Longer programs only repeat themselves.
const MAX_PROGRAM_BYTES: usize = 4096;

/// Trains with a monkey: two bytes choose its grants, one byte the set-up of the training, and the rest is its program.
/// Returns the functions that it called, each with true if one of its calls succeeded.
///
/// # Panics
/// If the host does, if the guest traps, or if the guest holds or has used more than its limits.
pub fn run(bytes: &[u8]) -> Vec<(String, bool)> {
    let [low, high, variant, program @ ..] = bytes else {
        return Vec::new();
    };
    let program = &program[..program.len().min(MAX_PROGRAM_BYTES)];
    let grants = grants(u16::from_le_bytes([*low, *high]));
    let tried = Rc::default();
    let program: String = program.iter().map(|byte| format!("{byte:02x}")).collect();
    let params = json!({ "program": program });
    let plugin = plugin(params, grants, training::limits()).expect("a monkey is made");
    let watched = Watched {
        plugin,
        calls: 0,
        crossings: 0,
        tried: Rc::clone(&tried),
    };
    // Every end of the run is right: the monkey may stop or abort it, or fill tensors with NaN.
    let _ = training::run(Box::new(watched), Variant(*variant));
    tried.take()
}

fn grants(bits: u16) -> Grants {
    let granted = Grant::ALL
        .iter()
        .enumerate()
        // Grants beyond the 16th share the bits of the first: older inputs keep their meaning.
        .filter(|(bit, _)| bits >> (bit % 16) & 1 == 1);
    granted.map(|(_, grant)| *grant).collect()
}

thread_local! {
    static MONKEY: LazyCell<(Rc<PluginEngine>, Component)> =
        LazyCell::new(|| load().expect("the monkey is built: `cargo xtask plugins`"));
}

fn load() -> Result<(Rc<PluginEngine>, Component)> {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target");
    let engine = Rc::new(PluginEngine::new(Engine::new(
        &target.join("tmp/fuzz-compiled"),
    )?)?);
    let path: PathBuf = target.join("plugins/tests/monkey.wasm");
    let component = Component::load(engine.engine(), &path)?;
    Ok((engine, component))
}

/// A monkey with these parameters.
pub(crate) fn plugin(params: Value, grants: Grants, limits: Limits) -> Result<Plugin> {
    let settings = PluginSettings {
        name: "monkey".to_owned(),
        params,
        grants,
        limits,
        seed: 0,
    };
    MONKEY.with(|monkey| {
        let (engine, component) = &**monkey;
        let mut plugin = Plugin::new(engine, component, &settings)?;
        plugin
            .configure(&settings.params)
            .context("its program is text")?;
        Ok(plugin)
    })
}

/// The functions that a monkey has called, each with true if a call of it succeeded; none if it has trapped.
pub(crate) fn tried(plugin: &mut Plugin) -> Vec<(String, bool)> {
    let line = |line: &String| {
        line.rsplit_once(' ')
            .map(|(name, yes)| (name.to_owned(), yes == "true"))
    };
    lines(plugin).iter().filter_map(line).collect()
}

/// The lines that a monkey saves, one for each function that it has called.
pub(crate) fn lines(plugin: &mut Plugin) -> Vec<String> {
    let Ok(saved) = plugin.save_state() else {
        return Vec::new();
    };
    let bytes = saved.bytes.unwrap_or_default();
    let text = String::from_utf8(bytes).expect("it saves text");
    text.lines().map(str::to_owned).collect()
}

/// A monkey whose state is checked after every call.
struct Watched {
    plugin: Plugin,
    calls: u64,
    crossings: u64,
    tried: Rc<RefCell<Vec<(String, bool)>>>,
}

impl Callback for Watched {
    fn name(&self) -> &str {
        self.plugin.name()
    }

    fn phases(&self) -> PhaseSet {
        self.plugin.phases()
    }

    fn is_usable(&self) -> bool {
        self.plugin.is_usable()
    }

    fn on_phase(&mut self, phase: Phase, context: &mut Lendable<Context>) -> Result<()> {
        let answer = self.plugin.on_phase(phase, context);
        if let Err(error) = &answer {
            assert!(is_limit(error), "at {phase}: {error:#}");
        }
        assert_eq!(context.phase, phase, "the context is back, and the same");
        self.calls += 1;
        self.check();
        let is_last = phase == Phase::TrainingEnd || context.control.disable_self;
        if is_last && self.plugin.is_usable() {
            let tried = self.save_and_load();
            self.tried.replace(tried);
        }
        answer
    }

    fn save_state(&mut self) -> Result<CallbackState> {
        self.plugin.save_state()
    }

    fn load_state(&mut self, state: CallbackState) -> Result<()> {
        self.plugin.load_state(state)
    }

    fn report(&self) -> CallbackReport {
        self.plugin.report()
    }
}

/// True for the error of a limit. The monkey never fails by itself, but it may be ended for calling too much.
fn is_limit(error: &anyhow::Error) -> bool {
    format!("{error:#}").contains("limits: {")
}

impl Watched {
    /// Checks that nothing is beyond its limits, and that counts only grow.
    fn check(&mut self) {
        let report = self.plugin.report();
        let limits = training::limits();
        let (most_handles, most_memory) = (3 * limits[Limit::Handles], limits[Limit::Memory]);
        assert!(
            report.live_handles <= most_handles,
            "{} live handles",
            report.live_handles
        );
        assert!(
            report.peak_memory_bytes <= most_memory,
            "{} bytes of memory",
            report.peak_memory_bytes
        );
        assert_eq!(
            report.counters.host_panics, 0,
            "a panic of the host was caught"
        );
        assert_eq!(report.counters.calls, self.calls);
        assert!(report.counters.crossings >= self.crossings);
        self.crossings = report.counters.crossings;
    }

    /// Saves and loads the monkey's state, which lists the functions it has tried. A trap in it is right: some calls need
    /// a context.
    fn save_and_load(&mut self) -> Vec<(String, bool)> {
        let tried = tried(&mut self.plugin);
        if let Ok(saved) = self.plugin.save_state() {
            let _ = self.plugin.load_state(saved);
        }
        tried
    }
}
