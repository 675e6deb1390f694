/**
 * `smooth` in JavaScript: the smoothed loss, logged at each batch, and a stop when it has not improved for long.
 * What it does and the bytes of its state are in ../README.md; handles are explained in plugins/sdk/javascript.
 */
import { log } from 'phasebox:train/diagnostics@0.1.0';
import { contractError, guard, refuse, scope } from '../sdk/javascript/phasebox.mjs';

const DESCRIPTION = {
  name: 'smooth',
  version: '0.1.0',
  summary: 'Logs a smoothed loss and stops when it no longer improves',
  parameters: {
    type: 'object',
    additionalProperties: false,
    properties: {
      smoothing: { type: 'number', minimum: 0, exclusiveMaximum: 1, default: 0.9 },
      patience: { type: 'integer', minimum: 1, maximum: 4294967295, default: 50 },
      min_delta: { type: 'number', minimum: 0, default: 0 },
    },
  },
  grants: ['stop'],
};

/** What each parameter may be, and how that is said. */
const RANGES = {
  smoothing: [(v) => 0 <= v && v < 1, 'a number from 0 to below 1'],
  patience: [(v) => 1 <= v && v <= 4294967295 && v === Math.floor(v), 'a whole number from 1 to 4294967295'],
  min_delta: [(v) => 0 <= v && v < Infinity, 'a number from 0 on'],
};

const STATE_BYTES = 30;
const STATE_VERSION = 1;
const HAS_SMOOTHED = 1;
const HAS_ARRIVED = 2;

const params = { smoothing: 0.9, patience: 50, min_delta: 0 };
let smoothed; // undefined before the first loss
let best = 0;
let wait = 0;
let pending; // the loss on its way
let arrived; // a loss that is here and not yet in `smoothed`

const invalid = (message) => refuse(message, 'invalid-argument');

function parsed(text) {
  let values;
  try {
    values = JSON.parse(text);
  } catch {
    values = undefined;
  }
  if (values === null || typeof values !== 'object' || Array.isArray(values)) {
    throw invalid('params is not a JSON object');
  }
  return values;
}

/** Takes the loss that was asked for, if it is here. */
function collect() {
  const value = pending?.poll();
  if (value === undefined) return;
  arrived = value;
  release();
}

function release() {
  pending?.[Symbol.dispose]();
  pending = undefined;
}

function update(loss) {
  const first = smoothed === undefined;
  smoothed = first ? loss : params.smoothing * smoothed + (1 - params.smoothing) * loss;
  const improved = first || smoothed < best - params.min_delta;
  if (improved) best = smoothed;
  wait = improved ? 0 : wait + 1;
}

function report(ctx) {
  scope((use) => use(ctx.sgLogger()).scalar('smoothed_loss', smoothed));
  if (wait >= params.patience) {
    ctx.requestStop('batch', `smoothed loss has not improved for ${wait} batches`);
  }
}

/** A batch that was skipped has no loss; that is no failure. */
function askForLoss(ctx) {
  try {
    pending = scope((use) => use(ctx.loss()).defer());
  } catch (thrown) {
    if (contractError(thrown)?.code !== 'not-available') throw thrown;
  }
}

export const callback = guard({
  describe() {
    return JSON.stringify(DESCRIPTION);
  },

  configure(text) {
    for (const [key, value] of Object.entries(parsed(text))) {
      if (!Object.hasOwn(RANGES, key)) {
        throw invalid(`unknown parameter "${key}"; known are ${Object.keys(RANGES).join(', ')}`);
      }
      const [allowed, meaning] = RANGES[key];
      if (typeof value !== 'number' || !allowed(value)) throw invalid(`parameter "${key}" must be ${meaning}`);
      params[key] = value;
    }
  },

  saveState() {
    collect();
    const view = new DataView(new ArrayBuffer(STATE_BYTES));
    view.setUint8(0, STATE_VERSION);
    view.setUint8(1, (smoothed === undefined ? 0 : HAS_SMOOTHED) | (arrived === undefined ? 0 : HAS_ARRIVED));
    view.setUint32(2, wait, true);
    [smoothed, best, arrived].forEach((value, place) => view.setFloat64(6 + 8 * place, value ?? 0, true));
    return new Uint8Array(view.buffer);
  },

  loadState(state) {
    if (state.length !== STATE_BYTES || state[0] !== STATE_VERSION) {
      throw invalid('the state is not 30 bytes of version 1');
    }
    const view = new DataView(state.buffer, state.byteOffset);
    const flags = view.getUint8(1);
    wait = view.getUint32(2, true);
    smoothed = flags & HAS_SMOOTHED ? view.getFloat64(6, true) : undefined;
    best = view.getFloat64(14, true);
    arrived = flags & HAS_ARRIVED ? view.getFloat64(22, true) : undefined;
  },

  onTrainBatchEnd(ctx) {
    collect();
    if (arrived !== undefined) {
      update(arrived);
      arrived = undefined;
      report(ctx);
    }
    if (pending === undefined) askForLoss(ctx);
  },

  onTrainingEnd(ctx) {
    release();
    log('info', `smoothed loss: ${wait} of ${params.patience} batches without improvement`);
  },
});
