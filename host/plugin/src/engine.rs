//! The engine that plugins are instantiated on: the component engine with every host function linked.

use anyhow::{Result, anyhow};
use phasebox_component::Engine;
use wasmtime::component::{HasSelf, InstancePre, Linker};

use crate::bindings::HostImports;
use crate::stack_samples::StackSamples;
use crate::state::PluginState;

/// An engine with every host function linked. It is made once and shared by all callbacks of all runs.
pub struct PluginEngine {
    engine: Engine,
    linker: Linker<PluginState>,
    stacks: StackSamples,
}

impl PluginEngine {
    /// Links the host functions of the contract.
    ///
    /// # Errors
    /// If the contract and the host functions do not fit each other, which is a fault of phasebox.
    pub fn new(engine: Engine) -> Result<PluginEngine> {
        let mut linker = Linker::new(engine.wasmtime());
        HostImports::add_to_linker::<_, HasSelf<PluginState>>(&mut linker, |state| state)
            .map_err(|error| anyhow!(error))?;
        Ok(PluginEngine {
            engine,
            linker,
            stacks: StackSamples::default(),
        })
    }

    /// Stacks of all guests, if the engine [beats](Engine::beating); none at any time otherwise.
    pub fn stacks(&self) -> &StackSamples {
        &self.stacks
    }

    /// The engine that components are compiled with.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Compiled code with its imports resolved to host functions.
    pub(crate) fn link(
        &self,
        code: &wasmtime::component::Component,
    ) -> wasmtime::Result<InstancePre<PluginState>> {
        self.linker.instantiate_pre(code)
    }
}
