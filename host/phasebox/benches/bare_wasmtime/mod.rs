//! The call of a phase, and a host function that makes a resource, by wasmtime alone: without deadline, limits, hooks or
//! a lent context. They are the measure of a phase's and of an operation's cost.

use std::path::Path;

use anyhow::{Context as _, Result, anyhow};
use wasmtime::component::{
    Component, ComponentNamedList, ComponentType, Instance, Lift, Linker, Lower, Resource,
    ResourceType, TypedFunc,
};
use wasmtime::{Engine, Store};

/// A component with one function of a phase's signature, which drops what it borrowed as every guest must.
const SMALLEST: &str = r#"(component
  (import "context" (type $context (sub resource)))
  (core func $drop (canon resource.drop $context))
  (core module $code
    (import "host" "drop" (func $drop (param i32)))
    (memory (export "memory") 1)
    (func (export "phase") (param i32) (result i32) (call $drop (local.get 0)) (i32.const 0)))
  (core instance $instance (instantiate $code (with "host" (instance (export "drop" (func $drop))))))
  (func (export "phase") (param "ctx" (borrow $context)) (result (result (error string)))
    (canon lift (core func $instance "phase") (memory (core memory $instance "memory")))))"#;

/// The stand-in for the context: wasmtime's own type for resources that nobody defines.
type Lent = Resource<()>;

/// [`SMALLEST`], ready to be called.
pub(crate) struct Smallest {
    store: Store<()>,
    function: TypedFunc<(Lent,), (std::result::Result<(), String>,)>,
}

impl Smallest {
    pub(crate) fn new() -> Result<Smallest> {
        let binary = wat::parse_str(SMALLEST)?;
        let mut smallest = Smallest::load(&binary).map_err(|error| anyhow!(error))?;
        let (answer,) = smallest.answer().map_err(|error| anyhow!(error))?;
        answer.map_err(|message| anyhow!(message))?;
        Ok(smallest)
    }

    fn load(binary: &[u8]) -> wasmtime::Result<Smallest> {
        let engine = Engine::default();
        let component = Component::new(&engine, binary)?;
        let mut linker = Linker::new(&engine);
        let context = ResourceType::host::<()>();
        linker.root().resource("context", context, |_, _| Ok(()))?;
        let mut store = Store::new(&engine, ());
        let instance = linker.instantiate(&mut store, &component)?;
        let function = instance.get_typed_func(&mut store, "phase")?;
        Ok(Smallest { store, function })
    }

    fn answer(&mut self) -> wasmtime::Result<(std::result::Result<(), String>,)> {
        let context = Resource::new_borrow(0);
        self.function.call(&mut self.store, (context,))
    }

    pub(crate) fn call(&mut self) {
        // `new` has shown that it works.
        let _ = self.answer();
    }
}

/// A component that asks the host for a resource and drops it, 100 times in a call: the crossings of an operation with a
/// result.
const RESULTS: &str = r#"(component
  (import "thing" (type $thing (sub resource)))
  (import "make" (func $make (param "this" (borrow $thing)) (result (result (own $thing) (error string)))))
  (core func $drop (canon resource.drop $thing))
  (core module $memory
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
  (core instance $memory (instantiate $memory))
  (core func $make (canon lower (func $make)
    (memory (core memory $memory "memory")) (realloc (core func $memory "realloc"))))
  (core module $code
    (import "host" "memory" (memory 1))
    (import "host" "make" (func $make (param i32 i32)))
    (import "host" "drop" (func $drop (param i32)))
    (func (export "run") (param $this i32) (local $left i32)
      (local.set $left (i32.const 100))
      (loop $next
        (call $make (local.get $this) (i32.const 0))
        (call $drop (i32.load (i32.const 4)))
        (br_if $next (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
      (call $drop (local.get $this))))
  (core instance $code (instantiate $code (with "host" (instance
    (export "memory" (memory $memory "memory"))
    (export "make" (func $make))
    (export "drop" (func $drop))))))
  (func (export "run") (param "this" (own $thing)) (canon lift (core func $code "run"))))"#;

/// [`RESULTS`], ready to be called.
pub(crate) struct Results {
    store: Store<()>,
    function: TypedFunc<(Lent,), ()>,
}

impl Results {
    pub(crate) fn new() -> Result<Results> {
        let binary = wat::parse_str(RESULTS)?;
        let load = || -> wasmtime::Result<Results> {
            let mut results = Results::load(&binary)?;
            results.answer()?;
            Ok(results)
        };
        load().map_err(|error| anyhow!(error))
    }

    fn load(binary: &[u8]) -> wasmtime::Result<Results> {
        let engine = Engine::default();
        let component = Component::new(&engine, binary)?;
        let mut linker = Linker::new(&engine);
        let thing = ResourceType::host::<()>();
        linker.root().resource("thing", thing, |_, _| Ok(()))?;
        linker.root().func_wrap("make", |_, (this,): (Lent,)| {
            let made = std::result::Result::<Lent, String>::Ok(Resource::new_own(this.rep()));
            Ok((made,))
        })?;
        let mut store = Store::new(&engine, ());
        let instance = linker.instantiate(&mut store, &component)?;
        let function = instance.get_typed_func(&mut store, "run")?;
        Ok(Results { store, function })
    }

    fn answer(&mut self) -> wasmtime::Result<()> {
        self.function.call(&mut self.store, (Resource::new_own(0),))
    }

    pub(crate) fn call(&mut self) {
        // `new` has shown that it works.
        let _ = self.answer();
    }
}

/// The contract's `error`, with the types that wasmtime checks.
#[derive(ComponentType, Lift, Lower)]
#[component(record)]
struct Refusal {
    code: Code,
    message: String,
}

/// The contract's `error-code`.
#[derive(ComponentType, Lift, Lower, Clone, Copy)]
#[component(enum)]
#[repr(u8)]
#[expect(dead_code, reason = "made by guests alone")]
enum Code {
    #[component(name = "invalid-argument")]
    InvalidArgument,
    #[component(name = "shape-mismatch")]
    ShapeMismatch,
    #[component(name = "dtype-mismatch")]
    DtypeMismatch,
    #[component(name = "device-mismatch")]
    DeviceMismatch,
    #[component(name = "not-available")]
    NotAvailable,
    #[component(name = "stale-handle")]
    StaleHandle,
    #[component(name = "denied")]
    Denied,
    #[component(name = "quota-exceeded")]
    QuotaExceeded,
    #[component(name = "too-large")]
    TooLarge,
    #[component(name = "out-of-memory")]
    OutOfMemory,
    #[component(name = "unsupported")]
    Unsupported,
    #[component(name = "collective-mismatch")]
    CollectiveMismatch,
    #[component(name = "peer-failed")]
    PeerFailed,
    #[component(name = "sharded")]
    Sharded,
    #[component(name = "timed-out")]
    TimedOut,
    #[component(name = "interrupted")]
    Interrupted,
    #[component(name = "conflict")]
    Conflict,
    #[component(name = "input-output")]
    InputOutput,
    #[component(name = "other")]
    Other,
}

type Answer = (std::result::Result<(), Refusal>,);

/// A callback's own component and its `on-train-batch-end`, with imports that nobody defines.
pub(crate) struct Guest {
    store: Store<()>,
    function: TypedFunc<(Lent,), Answer>,
}

impl Guest {
    pub(crate) fn new(file: &Path) -> Result<Guest> {
        Guest::load(file)
            .map_err(|error| anyhow!(error))
            .context("the guest cannot be called by wasmtime alone")
    }

    fn load(file: &Path) -> wasmtime::Result<Guest> {
        let engine = Engine::default();
        let component = Component::from_file(&engine, file)?;
        let mut linker = Linker::new(&engine);
        linker.define_unknown_imports_as_traps(&component)?;
        let mut store = Store::new(&engine, ());
        let instance = linker.instantiate(&mut store, &component)?;
        let configure: TypedFunc<(String,), Answer> =
            typed(&component, &instance, &mut store, "configure")?;
        accept(configure.call(&mut store, ("{}".to_owned(),))?)?;
        let function = typed(&component, &instance, &mut store, "on-train-batch-end")?;
        let mut guest = Guest { store, function };
        accept(guest.answer()?)?;
        Ok(guest)
    }

    fn answer(&mut self) -> wasmtime::Result<Answer> {
        let context = Resource::new_borrow(0);
        self.function.call(&mut self.store, (context,))
    }

    pub(crate) fn call(&mut self) {
        // `new` has shown that it works.
        let _ = self.answer();
    }
}

fn accept((answer,): Answer) -> wasmtime::Result<()> {
    answer.map_err(|refusal| wasmtime::Error::msg(refusal.message))
}

fn typed<Params, Returned>(
    component: &Component,
    instance: &Instance,
    store: &mut Store<()>,
    name: &str,
) -> wasmtime::Result<TypedFunc<Params, Returned>>
where
    Params: ComponentNamedList + Lower,
    Returned: ComponentNamedList + Lift,
{
    let interface = component.get_export_index(None, "local:plugin/callback");
    let index = component.get_export_index(interface.as_ref(), name);
    let function = index.and_then(|index| instance.get_func(&mut *store, index));
    function
        .ok_or_else(|| wasmtime::Error::msg(format!("there is no `{name}`")))?
        .typed(&*store)
}
