//! {{name}}: smooths the loss, logs it, and ends the training when it no longer falls.

use phasebox_sdk::prelude::*;

/// Logs a smoothed loss and stops when it no longer falls
#[derive(Parameters)]
struct {{type}} {
    /// The share of the old value in each new one
    #[default(0.9)]
    #[minimum(0)]
    #[exclusive_maximum(1)]
    smoothing: f64,
    /// Values without a new best before the stop
    #[default(50)]
    #[minimum(1)]
    patience: u32,
    #[state]
    smoothed: Option<f64>,
    #[state]
    best: f64,
    #[state]
    wait: u32,
    #[state]
    loss: Later,
}

#[callback(grants = ["stop"], state)]
impl {{type}} {
    fn on_train_batch_end(&mut self, ctx: &PhaseContext) -> Result<()> {
        if let Some(loss) = self.loss.take()? {
            ctx.log("smoothed_loss", self.update(loss))?;
            if self.wait >= self.patience {
                ctx.request_stop("batch", "the smoothed loss no longer falls")?;
            }
        }
        self.loss.ask(ctx.loss())
    }
{{phases}}
}

impl {{type}} {
    fn update(&mut self, loss: f64) -> f64 {
        let share = self.smoothing;
        let smoothed = self
            .smoothed
            .map_or(loss, |old| share * old + (1.0 - share) * loss);
        let better = self.smoothed.is_none() || smoothed < self.best;
        self.wait = if better { 0 } else { self.wait + 1 };
        if better {
            self.best = smoothed;
        }
        self.smoothed = Some(smoothed);
        smoothed
    }
}
