//! The guest that `benches/dispatch.rs` times: each phase does one thing.

use phasebox_sdk::prelude::*;

/// Operations in one call, so that the call itself can be told from them; `benches/dispatch.rs` has the same number.
const OPERATIONS: u32 = 100;
/// Rows and columns of what they work on.
const SIDE: i64 = 32;

/// Does nothing, asks for a number, changes a tensor in place or makes new ones, by phase.
#[derive(Parameters)]
struct Bench {
    /// Kept from the start, so that no phase pays for making them.
    #[skip]
    matrices: Option<(Tensor, Tensor)>,
}

#[callback]
impl Bench {
    fn on_training_start(&mut self, _: &PhaseContext) -> Result<()> {
        let kept = || tensor::zeros(&[SIDE, SIDE], Dtype::Float32, "")?.keep();
        self.matrices = Some((kept()?, kept()?));
        Ok(())
    }

    fn on_train_batch_end(&mut self, _: &PhaseContext) -> Result<()> {
        Ok(())
    }

    fn on_epoch_start(&mut self, ctx: &PhaseContext) -> Result<()> {
        ctx.global_step();
        Ok(())
    }

    fn on_epoch_end(&mut self, ctx: &PhaseContext) -> Result<()> {
        (0..8).for_each(|_| {
            ctx.global_step();
        });
        Ok(())
    }

    fn on_train_loader_start(&mut self, _: &PhaseContext) -> Result<()> {
        let Some((changed, other)) = &self.matrices else {
            return Ok(());
        };
        (0..OPERATIONS).try_for_each(|_| changed.add_in_place(other, 1.0))
    }

    fn on_train_loader_end(&mut self, _: &PhaseContext) -> Result<()> {
        let Some((_, other)) = &self.matrices else {
            return Ok(());
        };
        (0..OPERATIONS).try_for_each(|_| other.neg().map(drop))
    }
}
