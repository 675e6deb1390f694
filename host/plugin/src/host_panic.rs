//! Panics of host functions, which end one callback's call and not the run. A panic is a fault of phasebox;
//! wasmtime unwinds the guest's frames, and the store is not used again.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use phasebox_data::panic_text;

/// A host function panicked; holds the panic's message.
#[derive(Debug)]
pub(crate) struct HostPanic(String);

/// Calls into a guest. A panic of a host function becomes [`HostPanic`].
#[inline]
pub(crate) fn catching_panics<T>(
    call: impl FnOnce() -> wasmtime::Result<T>,
) -> wasmtime::Result<T> {
    // A panic may leave two things half done: the store, which counts as trapped from now on, and the object
    // that the host function worked on, which other callbacks see as it is.
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| Err(host_panic(&*panic)))
}

#[cold]
fn host_panic(panic: &(dyn Any + Send)) -> wasmtime::Error {
    wasmtime::Error::new(HostPanic(panic_text(panic).to_owned()))
}

impl fmt::Display for HostPanic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "a host function panicked, which is a fault of phasebox to be reported: {}",
            self.0
        )
    }
}

impl std::error::Error for HostPanic {}

#[cfg(test)]
mod tests {
    use wasmtime::{Engine, Instance, Linker, Module, Store};

    use super::*;

    fn instance(engine: &Engine, store: &mut Store<()>) -> Instance {
        let text = r#"(module (import "host" "f" (func $f (param i32))) (func (export "g") (param i32) (call $f (local.get 0))))"#;
        let module = Module::new(engine, wat::parse_str(text).unwrap()).unwrap();
        let mut linker = Linker::new(engine);
        linker
            .func_wrap("host", "f", |fails: i32| assert_eq!(fails, 0, "told to"))
            .unwrap();
        linker.instantiate(store, &module).unwrap()
    }

    #[test]
    fn a_panic_of_the_host_ends_one_call() {
        let engine = Engine::default();
        let (mut bad, mut good) = (Store::new(&engine, ()), Store::new(&engine, ()));
        let (one, other) = (instance(&engine, &mut bad), instance(&engine, &mut good));
        let call = one.get_typed_func::<i32, ()>(&mut bad, "g").unwrap();
        let error = catching_panics(|| call.call(&mut bad, 1)).unwrap_err();
        assert!(
            error
                .downcast_ref::<HostPanic>()
                .is_some_and(|HostPanic(text)| text.contains("told to")),
            "{error}"
        );
        let call = other.get_typed_func::<i32, ()>(&mut good, "g").unwrap();
        assert!(
            catching_panics(|| call.call(&mut good, 0)).is_ok(),
            "other stores live"
        );
    }
}
