//! A callback's description of itself, asked for where there is no trainer. Every import is there, but only those of a
//! program that starts do something: any other ends the call. Calls of a run are `phasebox_plugin`'s.

use anyhow::{Context as _, Result, anyhow};
use phasebox_contract::limits::{Limit, Limits};
use phasebox_contract::printable::{indented, one_line};
use phasebox_contract::small_json;
use wasmtime::component::{Instance, Linker, LinkerInstance, Val};
use wasmtime::{Store, StoreContextMut};

use crate::clock::TICK;
use crate::component::Component;
use crate::description::Description;
use crate::engine::Engine;
use crate::memory_limiter::MemoryLimiter;

/// The most bytes that the callback hands over in one call.
const MAX_CALL_BYTES: usize = 1 << 20;
/// Functions of the contract that may be called without a trainer, and do nothing then.
const QUIET: [&str; 4] = ["log", "write-output", "write-error", "exit"];
/// The most characters of an answer that are shown.
const MAX_SHOWN: usize = 200;

/// A callback's description, and what it took to get it.
pub struct Described {
    /// The description; empty if the callback does not export `describe`.
    pub description: Description,
    /// The memory of the callback when it was loaded.
    pub memory_bytes: u64,
}

/// The host's side of a callback that is alone.
struct Alone {
    limiter: MemoryLimiter,
    drawn: u64,
    /// The failure that the guest reports before it gives up.
    failure: Option<String>,
}

impl Component {
    /// Asks the callback for its description under the default limits of memory and loading time, without a trainer. The
    /// types of its other functions are not compared with the contract's: that needs the host's.
    ///
    /// # Errors
    /// If it needs functions that this host lacks, traps, takes too long, calls what only a trainer has, or answers what is no
    /// description.
    pub fn describe_alone(&self, engine: &Engine) -> Result<Described> {
        let name = self.path.display();
        let described = self.described(engine);
        described.with_context(|| format!("{name} cannot be asked for its description"))
    }

    fn described(&self, engine: &Engine) -> Result<Described> {
        if let Some(refusal) = self.lacking(engine) {
            return Err(anyhow!("it {refusal}"));
        }
        let mut store = store(engine);
        let instance = self.alone(engine, &mut store);
        let instance = instance.map_err(|error| explained(&error, &mut store))?;
        let text = self.text(&mut store, &instance);
        let text = text.map_err(|error| explained(&error, &mut store))?;
        let description = text.map_or_else(|| Ok(Description::default()), |text| read(&text))?;
        Ok(Described {
            description,
            memory_bytes: store.data().limiter.peak_bytes,
        })
    }

    /// An instance whose imports are there, without a trainer behind them.
    fn alone(&self, engine: &Engine, store: &mut Store<Alone>) -> wasmtime::Result<Instance> {
        let mut linker = Linker::new(engine.wasmtime());
        for import in &self.imports {
            let mut interface = linker.instance(import)?;
            define_quiet(&mut interface)?;
        }
        linker.define_unknown_imports_as_traps(self.code())?;
        linker.instantiate(store, self.code())
    }

    /// The text of `describe`; none if it is not exported.
    fn text(
        &self,
        store: &mut Store<Alone>,
        instance: &Instance,
    ) -> wasmtime::Result<Option<String>> {
        let export = self.export("describe");
        let Some(describe) = export.and_then(|index| instance.get_func(&mut *store, index)) else {
            return Ok(None);
        };
        let describe = describe.typed::<(), (String,)>(&*store)?;
        let (text,) = describe.call(store, ())?;
        Ok(Some(text))
    }
}

/// A store with the default limits of memory and of the time to load.
fn store(engine: &Engine) -> Store<Alone> {
    let limits = Limits::default();
    let mut store = Store::new(
        engine.wasmtime(),
        Alone {
            limiter: MemoryLimiter::new(limits[Limit::Memory]),
            drawn: 0,
            failure: None,
        },
    );
    store.limiter(|alone| &mut alone.limiter);
    store.set_hostcall_fuel(MAX_CALL_BYTES);
    let ticks = u128::from(limits[Limit::LoadTime]) / TICK.as_nanos();
    store.set_epoch_deadline(u64::try_from(ticks).unwrap_or(u64::MAX));
    store
}

/// Defines the functions that a program may call while it starts. Those that an interface does not have stay unused.
fn define_quiet(interface: &mut LinkerInstance<Alone>) -> wasmtime::Result<()> {
    for name in QUIET {
        interface.func_new(name, |_, _, _, _| Ok(()))?;
    }
    interface.func_new("draw", |mut store, _, _, answer| {
        answer[0] = Val::U64(draw(&mut store));
        Ok(())
    })?;
    interface.func_new("report-failure", |mut store, _, report, _| {
        store.data_mut().failure = Some(reported(report));
        Ok(())
    })
}

/// The next number of a row that is the same each time (splitmix64).
fn draw(store: &mut StoreContextMut<Alone>) -> u64 {
    let drawn = &mut store.data_mut().drawn;
    *drawn = drawn.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mixed = (*drawn ^ (*drawn >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// The guest's own report: message, place and traceback.
fn reported(report: &[Val]) -> String {
    let texts = report.iter().map(|value| match value {
        Val::String(text) => text.trim_end(),
        _ => "",
    });
    let texts: Vec<&str> = texts.filter(|text| !text.is_empty()).collect();
    indented(&texts.join("\n"))
}

/// An error of a call for people: the guest's own report, or the cause.
fn explained(error: &wasmtime::Error, store: &mut Store<Alone>) -> anyhow::Error {
    let alone = store.data_mut();
    if let Some(failure) = alone.failure.take() {
        return anyhow!("{failure}");
    }
    if let Some(bytes) = alone.limiter.refused_bytes {
        let wanted = Limit::Memory.show(bytes);
        let exceeded = Limit::Memory.exceeded(Limits::default()[Limit::Memory]);
        return anyhow!("it wanted {wanted} of memory: {exceeded}");
    }
    match error.downcast_ref::<wasmtime::Trap>() {
        Some(wasmtime::Trap::Interrupt) => {
            let exceeded = Limit::LoadTime.exceeded(Limits::default()[Limit::LoadTime]);
            anyhow!("it did not return in time: {exceeded}")
        }
        _ => anyhow!("{}", one_line(&error.root_cause().to_string())),
    }
}

fn read(text: &str) -> Result<Description> {
    small_json::parse_object(text).with_context(|| {
        let shown: String = text.chars().take(MAX_SHOWN).collect();
        format!(
            "`describe` must give the JSON of wit/callback.wit, not `{}`",
            one_line(&shown)
        )
    })
}
