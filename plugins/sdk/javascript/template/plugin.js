// {{name}}: smooths the loss, logs it, and ends the training when it no longer falls.
import { define, later, number, whole } from './sdk/phasebox.mjs';

export const callback = define({
  name: '{{name}}',
  version: '0.1.0',
  summary: 'Logs a smoothed loss and stops when it no longer falls',
  grants: ['stop'],
  // The recipe's `params`.
  params: {
    smoothing: number(0.9, 'The share of the old value in each new one', { minimum: 0, exclusiveMaximum: 1 }),
    patience: whole(50, 'Values without a new best before the stop', { minimum: 1 }),
  },
  // Saved in checkpoints.
  state: { smoothed: null, best: 0, wait: 0, loss: later() },

  onTrainBatchEnd(ctx) {
    const loss = this.state.loss.take();
    if (loss !== undefined) {
      ctx.logScalar('smoothed_loss', this.update(loss));
      if (this.state.wait >= this.params.patience) ctx.requestStop('batch', 'the smoothed loss no longer falls');
    }
    this.state.loss.ask(() => ctx.loss());
  },

  update(loss) {
    const { state, params: { smoothing } } = this;
    const first = state.smoothed === null;
    state.smoothed = first ? loss : smoothing * state.smoothed + (1 - smoothing) * loss;
    const better = first || state.smoothed < state.best;
    state.wait = better ? 0 : state.wait + 1;
    if (better) state.best = state.smoothed;
    return state.smoothed;
  },
{{phases}}
});
