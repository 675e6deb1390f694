// {{name}}: smooths the loss, logs it, and ends the training when it no longer falls.
import { Failure, PhaseContext, describe, later, number, saved, whole } from "./sdk/phasebox";

describe("{{name}}", "0.1.0", "Logs a smoothed loss and stops when it no longer falls", ["stop"]);

// The recipe's `params`.
const smoothing = number("smoothing", 0.9, "The share of the old value in each new one").atLeast(0).below(1);
const patience = whole("patience", 50, "Values without a new best before the stop").atLeast(1);

// Saved in checkpoints.
const smoothed = saved("smoothed", NaN);
const best = saved("best");
const wait = saved("wait");
const loss = later("loss");

export function onTrainBatchEnd(ctx: PhaseContext): Failure | null {
  const arrived = loss.take();
  if (arrived.failed) return arrived.failure;
  if (arrived.value) {
    const logged = ctx.logScalar("smoothed_loss", update(loss.value));
    if (logged !== null) return logged;
    if (wait.value >= patience.value) {
      const asked = ctx.requestStop("batch", "the smoothed loss no longer falls");
      if (asked !== null) return asked;
    }
  }
  return loss.ask(ctx.loss());
}

function update(value: f64): f64 {
  const first = isNaN(smoothed.value);
  const share = smoothing.value;
  smoothed.value = first ? value : share * smoothed.value + (1 - share) * value;
  const better = first || smoothed.value < best.value;
  wait.value = better ? 0 : wait.value + 1;
  if (better) best.value = smoothed.value;
  return smoothed.value;
}
{{phases}}
