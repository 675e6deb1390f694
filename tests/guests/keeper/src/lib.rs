//! Counts batches and keeps the count in checkpoints, in version 2 of its state; refuses to read it if told so.

use phasebox_sdk::prelude::*;

/// Logs how many batches it has seen.
#[derive(Parameters)]
struct Keeper {
    /// Answer that a saved state cannot be read.
    #[default(false)]
    refuses: bool,
    #[skip]
    batches: u64,
}

#[callback(state_version = 2)]
impl Keeper {
    fn on_train_batch_end(&mut self, ctx: &PhaseContext) -> Result<()> {
        self.batches += 1;
        ctx.log("batches", self.batches as f64)
    }

    fn save_state(&mut self) -> Result<Vec<u8>> {
        Ok(self.batches.to_le_bytes().to_vec())
    }

    fn load_state(&mut self, state: &[u8]) -> Result<()> {
        if self.refuses {
            return Err(Error::other("it was told to refuse"));
        }
        let bytes = state
            .try_into()
            .map_err(|_| Error::invalid("a count has eight bytes"))?;
        self.batches = u64::from_le_bytes(bytes);
        Ok(())
    }
}
