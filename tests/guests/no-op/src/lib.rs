//! Wants every phase and does nothing at any: what phases cost a training by themselves.

use phasebox_sdk::prelude::*;

/// Does nothing.
#[derive(Parameters)]
struct NoOp;

#[callback]
impl NoOp {
    fn on_every_phase(&mut self, _: &PhaseContext) -> Result<()> {
        Ok(())
    }
}
