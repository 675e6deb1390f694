//! wasmtime alone: the call of a phase without deadline, limits, hooks or anything lent. What a phase is measured by.

use std::path::Path;

use anyhow::{Context as _, Result, anyhow};
use wasmtime::component::{
    Component, ComponentNamedList, ComponentType, Instance, Lift, Linker, Lower, Resource,
    ResourceType, TypedFunc,
};
use wasmtime::{Engine, Store};

/// A component with one function of a phase's shape, which drops what it borrowed as every guest must.
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

/// What stands for the context: wasmtime's own type for resources that nobody defines.
type Lent = Resource<()>;

/// The component above, ready to be called.
pub(crate) struct Smallest {
    store: Store<()>,
    function: TypedFunc<(Lent,), (std::result::Result<(), String>,)>,
}

impl Smallest {
    pub(crate) fn new() -> Result<Smallest> {
        let text = wat::parse_str(SMALLEST)?;
        let make = || -> wasmtime::Result<Smallest> {
            let engine = Engine::default();
            let component = Component::new(&engine, text)?;
            let mut linker = Linker::new(&engine);
            linker
                .root()
                .resource("context", ResourceType::host::<()>(), |_, _| Ok(()))?;
            let mut store = Store::new(&engine, ());
            let instance = linker.instantiate(&mut store, &component)?;
            let function = instance.get_typed_func(&mut store, "phase")?;
            let mut made = Smallest { store, function };
            made.function
                .call(&mut made.store, (Resource::new_borrow(0),))?
                .0
                .map_err(wasmtime::Error::msg)?;
            Ok(made)
        };
        make().map_err(|error| anyhow!(error))
    }

    pub(crate) fn call(&mut self) {
        // It worked when it was made.
        let _ = self
            .function
            .call(&mut self.store, (Resource::new_borrow(0),));
    }
}

/// The contract's `error`, as far as wasmtime must know it.
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
    #[component(name = "other")]
    Other,
}

type Answer = (std::result::Result<(), Refusal>,);

/// A callback's own component and its own `on-train-batch-end`, with imports that nobody defines.
pub(crate) struct Guest {
    store: Store<()>,
    function: TypedFunc<(Lent,), Answer>,
}

impl Guest {
    pub(crate) fn new(file: &Path) -> Result<Guest> {
        let make = || -> wasmtime::Result<Guest> {
            let engine = Engine::default();
            let component = Component::from_file(&engine, file)?;
            let mut linker = Linker::new(&engine);
            linker.define_unknown_imports_as_traps(&component)?;
            let mut store = Store::new(&engine, ());
            let instance = linker.instantiate(&mut store, &component)?;
            let configure: TypedFunc<(String,), Answer> =
                typed(&component, &instance, &mut store, "configure")?;
            accept(configure.call(&mut store, ("{}".to_owned(),))?)?;
            let function: TypedFunc<(Lent,), Answer> =
                typed(&component, &instance, &mut store, "on-train-batch-end")?;
            accept(function.call(&mut store, (Resource::new_borrow(0),))?)?;
            Ok(Guest { store, function })
        };
        make()
            .map_err(|error| anyhow!(error))
            .context("the guest cannot be called by wasmtime alone")
    }

    pub(crate) fn call(&mut self) {
        // It worked when it was made.
        let _ = self
            .function
            .call(&mut self.store, (Resource::new_borrow(0),));
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
    let missing = || wasmtime::Error::msg(format!("there is no `{name}`"));
    let interface = component
        .get_export_index(None, "local:plugin/callback")
        .ok_or_else(missing)?;
    let index = component
        .get_export_index(Some(&interface), name)
        .ok_or_else(missing)?;
    instance
        .get_func(&mut *store, index)
        .ok_or_else(missing)?
        .typed(&*store)
}
