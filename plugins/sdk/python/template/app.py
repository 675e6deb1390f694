"""{{name}}: smooths the loss, logs it, and ends the training when it no longer falls."""

from phasebox import Later, callback, parameter, state
from wit_world.imports.context import PhaseContext


@callback(name="{{name}}", version="0.1.0", grants=["stop"])
class {{type}}:
    """Logs a smoothed loss and stops when it no longer falls"""

    # The recipe's `params`.
    smoothing: float = parameter(0.9, "The share of the old value in each new one", minimum=0, exclusive_maximum=1)
    patience: int = parameter(50, "Values without a new best before the stop", minimum=1)
    # Saved in checkpoints.
    smoothed: float | None = state(None)
    best: float = state(0.0)
    wait: int = state(0)
    loss: Later = state(Later)

    def on_train_batch_end(self, ctx: PhaseContext) -> None:
        loss = self.loss.take()
        if loss is not None:
            ctx.log_scalar("smoothed_loss", self.update(loss))
            if self.wait >= self.patience:
                ctx.request_stop("batch", "the smoothed loss no longer falls")
        self.loss.ask(ctx.loss)

    def update(self, loss: float) -> float:
        first = self.smoothed is None
        self.smoothed = loss if first else self.smoothing * self.smoothed + (1 - self.smoothing) * loss
        better = first or self.smoothed < self.best
        self.wait = 0 if better else self.wait + 1
        if better:
            self.best = self.smoothed
        return self.smoothed
{{phases}}
