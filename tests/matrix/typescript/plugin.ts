// One guest of the matrix: does what its parameter `task` names and says the outcome in lines of the log. All languages do
// the same; `tests/it/matrix.rs` has the lines that are due.
import { contractError, define, refuse, tensor, text, whole, type PhaseContext, type Tensor } from './sdk/phasebox.mjs';

const LARGE = 4 << 20;

const number = (value: number) => tensor.full([], value, 'float32', '');

/** The contract's name of the error's code. */
function code(call: () => unknown): string {
  try {
    call();
    return 'no error';
  } catch (thrown) {
    return contractError(thrown)?.code ?? `no error of the contract: ${thrown}`;
  }
}

/** A float as all languages write it. */
function shown(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (Object.is(value, -0)) return '-0';
  return String(value).replace('Infinity', 'inf');
}

const shownOption = (value: number | undefined) => (value === undefined ? 'none' : `some ${value}`);

let calls = 0;
let kept: Tensor | undefined;
let saved = new Uint8Array(0);

function errors(ctx: PhaseContext) {
  const two = tensor.full([2n], 1, 'float32', '');
  const three = tensor.full([3n], 1, 'float32', '');
  console.log(code(() => two.add(three, 1)));
  console.log(code(() => ctx.preds()));
  console.log(code(() => ctx.requestStop('batch', '')));
  console.log(code(() => tensor.zeros([2n], 'other', '')));
  console.log(code(() => tensor.zeros([1n << 40n], 'float32', '')));
  console.log(code(() => ctx.learningRate('nobody')));
}

function options(ctx: PhaseContext) {
  console.log(`epoch ${shownOption(ctx.epoch())}`);
  console.log(`metric ${shownOption(ctx.metric('nobody'))}`);
  const three = number(3);
  console.log(three.clamp(undefined, 2).item());
  console.log(three.clamp(5, undefined).item());
}

function lists() {
  const values = new Float32Array(LARGE);
  for (let index = 0; index < LARGE; index++) values[index] = index % 7;
  const given = tensor.fromF32([BigInt(LARGE)], values, '');
  const sum = given.toDtype('float64').sum([], false).item();
  const back = given.readF32(0n, LARGE);
  let read = 0;
  for (let index = 0; index < back.length; index++) read += back[index];
  console.log(`${back.length} ${sum} ${read}`);
}

function integers(ctx: PhaseContext) {
  const given = tensor.fromS64([3n], [-(1n << 63n), (1n << 63n) - 1n, -1n], '');
  console.log([...given.readS64(0n, 3)].join(' '));
  console.log(ctx.seed().toString());
  console.log(code(() => given.readS64((1n << 64n) - 1n, 1)));
}

function numbers(ctx: PhaseContext) {
  const values = [NaN, Infinity, -Infinity, -0, 3];
  const back = tensor.fromF32([5n], values, '').readF32(0n, 5);
  console.log([...back].map(shown).join(' '));
  for (const value of [Number.MAX_VALUE, Number.MIN_VALUE, -Infinity]) {
    const found = tensor.full([], value, 'float64', '').item();
    console.log(found === value ? 'exact' : 'changed');
  }
  ctx.logScalar('nan', NaN);
  ctx.logScalar('é ⅓ 💡', Number.MAX_VALUE);
}

function handles(step: bigint) {
  if (step === 1n) {
    const one = tensor.full([2n, 3n], 1.5, 'float32', '');
    const two = one.add(one, 1);
    console.log(`${two.sum([], false).item()} ${one.sum([], false).item()}`);
    kept = number(7).keep();
  }
  if (step === 2n) {
    console.log(`kept ${kept!.item()}`);
    (kept as any)[Symbol.dispose]();
    console.log('released later');
  }
}

function twice() {
  const made: any = number(7);
  made[Symbol.dispose]();
  made[Symbol.dispose]();
  console.log('alive');
}

function stale(step: bigint) {
  if (step === 1n) kept = number(7);
  if (step === 2n) console.log(code(() => kept!.item()));
}

export const callback = define({
  name: 'matrix',
  version: '0.1.0',
  summary: 'Behaves as it is told',
  params: {
    task: text('', 'The behavior'),
    say: text('', 'A text to say'),
    turns: whole(0, 'Calls after which it is enough'),
  },

  configure() {
    this.failAt('configure');
  },
  saveState() {
    this.failAt('save');
    return saved;
  },
  loadState(state: Uint8Array) {
    saved = Uint8Array.from(state);
  },

  onTrainingStart(ctx: PhaseContext) {
    this.failAt('start');
    if (this.params.task === 'errors') errors(ctx);
    if (this.params.task === 'options') console.log(`epoch ${shownOption(ctx.epoch())}`);
  },
  onTrainBatchStart(ctx: PhaseContext) {
    this.turn(ctx);
  },
  onTrainBatchForwardEnd(ctx: PhaseContext) {
    this.turn(ctx);
  },
  onTrainBatchLossEnd(ctx: PhaseContext) {
    this.failAt('loss');
    this.turn(ctx);
  },
  onTrainBatchBackwardEnd(ctx: PhaseContext) {
    this.turn(ctx);
  },
  onTrainBatchGradientStepStart(ctx: PhaseContext) {
    this.turn(ctx);
  },
  onTrainBatchGradientReady(ctx: PhaseContext) {
    this.turn(ctx);
  },
  onTrainBatchOptimizerStepped(ctx: PhaseContext) {
    this.turn(ctx);
  },
  onTrainBatchGradientStepEnd(ctx: PhaseContext) {
    this.turn(ctx);
  },
  onTrainBatchEnd(ctx: PhaseContext) {
    this.turn(ctx);
    const { task } = this.params;
    const step = ctx.globalStep();
    if (step === 1n) this.firstStep(ctx);
    if (task === 'handles') handles(step);
    if (task === 'stale') stale(step);
    if (task === 'own-error') throw refuse('it may not, ⅓ 💡', 'conflict');
    if (task === 'state' && step > 1n) {
      const isWhole = saved.length === 256 && saved.every((byte, place) => byte === place);
      console.log(`state ${isWhole ? 'whole' : 'damaged'}`);
    }
    if (task === 'recover') {
      if (step <= 1n) throw new Error('the first strike');
      console.log('alive again');
    }
  },
  onTrainLoaderEnd(ctx: PhaseContext) {
    if (this.params.task !== 'texts') return;
    ctx.publishMetric('é ⅓ 💡', 1);
    for (const { name } of ctx.metricsDict()) {
      if (name.endsWith('💡')) console.log(name);
    }
  },
  onValidationBatchEnd(ctx: PhaseContext) {
    this.failAt('validation');
  },
  onTrainingEnd(ctx: PhaseContext) {
    this.failAt('end');
  },

  failAt(place: string) {
    if (this.params.task === `panic-${place}`) throw new Error('it broke on purpose, ⅓ 💡'); // the panic
  },

  /** Takes a handle and gives it back to nobody; or asks the host so many times. */
  turn(ctx: PhaseContext) {
    if (this.params.task === 'costs') {
      for (let asked = 0; asked < this.params.turns; asked++) ctx.globalStep();
    }
    if (this.params.task !== 'turns') return;
    calls++;
    ctx.parameters();
    if (calls === this.params.turns) ctx.disableSelf('that is enough');
  },

  firstStep(ctx: PhaseContext) {
    const { task, say } = this.params;
    if (task === 'twice') twice();
    if (task === 'texts') console.log(say);
    if (task === 'texts') console.log('a\0b é ⅓ 💡 \u{10ffff}');
    if (task === 'options') options(ctx);
    if (task === 'lists') lists();
    if (task === 'integers') integers(ctx);
    if (task === 'numbers') numbers(ctx);
    if (task === 'state') saved = Uint8Array.from({ length: 256 }, (_, place) => place);
  },
});
