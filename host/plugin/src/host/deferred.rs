//! The contract's `deferred`: numbers on their way from the device.

use phasebox_component::Profile;
use wasmtime::component::Resource;

use crate::bindings::tensor::HostDeferred;
use crate::error::HostResult;
use crate::markers::DeferredHandle;
use crate::state::PluginState;

type This = Resource<DeferredHandle>;

impl HostDeferred for PluginState {
    fn poll(&mut self, this: This) -> HostResult<Option<f64>> {
        if self.profile == Profile::Deterministic {
            // The moment at which a value arrives differs from run to run, so it is waited for.
            self.counters.syncs += 1;
            return Ok(Some(self.scalar(&this)?.wait()?));
        }
        Ok(self.scalar(&this)?.poll()?)
    }

    fn wait(&mut self, this: This) -> HostResult<f64> {
        if let Some(value) = self.scalar(&this)?.poll()? {
            return Ok(value);
        }
        self.count_sync()?;
        Ok(self.scalar(&this)?.wait()?)
    }

    fn drop(&mut self, this: This) -> wasmtime::Result<()> {
        self.scalars.remove(this.rep());
        Ok(())
    }
}
