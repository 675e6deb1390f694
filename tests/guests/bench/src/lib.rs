//! What `benches/dispatch.rs` times: each phase does one thing.

use phasebox_sdk::prelude::*;

/// Does nothing, asks for a number, or makes a tensor, by phase.
#[derive(Parameters)]
struct Bench;

#[callback]
impl Bench {
    fn on_train_batch_end(&mut self, _: &PhaseContext) -> Result<()> {
        Ok(())
    }

    fn on_epoch_start(&mut self, ctx: &PhaseContext) -> Result<()> {
        ctx.global_step();
        Ok(())
    }

    fn on_epoch_end(&mut self, ctx: &PhaseContext) -> Result<()> {
        ctx.inputs()?.neg()?;
        Ok(())
    }
}
