//! The weights that a validation saw: copies of them where a callback lends the network other weights for the pass, since a
//! checkpoint's network holds the weights in training. Which epoch is best is decided in `decisions`.

use anyhow::Result;
use phasebox_contract::phase::Phase;

use super::Trainer;
use super::evaluate::copies;

impl Trainer {
    /// Copies the network's tensors before on-validation-loader-end, if a callback may put others in their place there.
    /// Does not sync.
    pub(super) fn note_validated(&mut self) -> Result<()> {
        let may_differ = self.callbacks.subscribers().iter().any(|callback| {
            let changes = callback.changes.unwrap_or_default();
            callback.phases.contains(Phase::ValidationLoaderEnd)
                && (callback.changes.is_none() || changes.parameters)
        });
        self.validated = match may_differ {
            true => copies(&self.context.net.state())?,
            false => Vec::new(),
        };
        Ok(())
    }

    /// Keeps the copies for the best checkpoint alone, and only if the network holds other weights by now. Then it syncs.
    pub(super) fn keep_validated(&mut self, is_best: bool) -> Result<()> {
        if !is_best || !self.differs_from_validated()? {
            self.validated.clear();
        }
        Ok(())
    }

    fn differs_from_validated(&self) -> Result<bool> {
        let own = self.context.net.state();
        for ((_, own), (_, validated)) in own.iter().zip(&self.validated) {
            if !own.f_equal(validated)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
