// One guest of the matrix: does what its parameter `task` names and says the outcome in lines of the log. All languages do
// the same; `tests/it/matrix.rs` has the lines that are due.
import { Dtype, ErrorCode, Failure, PhaseContext, Saved, Tensor, describe, fail, fromF32, fromS64, full, info, saved, text, whole,
  zeros } from "./sdk/phasebox";

describe("matrix", "0.1.0", "Behaves as it is told");

const task = text("task", "", "The behavior");
const say = text("say", "", "A text to say");
const turns = whole("turns", 0, "Calls after which it is enough");

const LARGE: u32 = 4 << 20;

// State is made of numbers: 32 of them have bytes of all values.
const state: Saved[] = [];
for (let i = 0; i < 32; i++) state.push(saved("bytes" + i.toString()));

/** Saved by code of the author. */
class Broken extends Saved {
  settle(): Failure | null {
    failAt("save");
    return null;
  }
}
new Broken("broken", 0);

let calls: u32 = 0;
let kept: Tensor | null = null;

function failAt(place: string): void {
  if (task.value == "panic-" + place) throw new Error("it broke on purpose, ⅓ 💡"); // the panic
}

const names = ["invalid-argument", "shape-mismatch", "dtype-mismatch", "device-mismatch", "not-available", "stale-handle",
  "denied", "quota-exceeded", "too-large", "out-of-memory", "unsupported", "collective-mismatch", "peer-failed", "sharded",
  "timed-out", "interrupted", "conflict", "input-output", "other"];

/** Says the contract's name of the error's code. */
function code(failure: Failure | null): void {
  info(failure === null ? "no error" : names[failure.code]);
}

function number(value: f64): Tensor {
  return full([], value, Dtype.Float32, "").value;
}

/** A float as all languages write it. */
function shown(value: f64): string {
  if (isNaN(value)) return "nan";
  if (value == Infinity) return "inf";
  if (value == -Infinity) return "-inf";
  if (value == 0 && 1 / value < 0) return "-0";
  return value == Math.floor(value) ? (<i64>value).toString() : value.toString();
}

function sum(tensor: Tensor): f64 {
  return tensor.sum([], false).value.item().value;
}

export function onTrainingStart(ctx: PhaseContext): Failure | null {
  failAt("start");
  if (task.value == "errors") errors(ctx);
  if (task.value == "options") epoch(ctx);
  return null;
}

export function onTrainBatchStart(ctx: PhaseContext): Failure | null {
  return turn(ctx);
}
export function onTrainBatchForwardEnd(ctx: PhaseContext): Failure | null {
  return turn(ctx);
}
export function onTrainBatchLossEnd(ctx: PhaseContext): Failure | null {
  failAt("loss");
  return turn(ctx);
}
export function onTrainBatchBackwardEnd(ctx: PhaseContext): Failure | null {
  return turn(ctx);
}
export function onTrainBatchGradientStepStart(ctx: PhaseContext): Failure | null {
  return turn(ctx);
}
export function onTrainBatchGradientReady(ctx: PhaseContext): Failure | null {
  return turn(ctx);
}
export function onTrainBatchOptimizerStepped(ctx: PhaseContext): Failure | null {
  return turn(ctx);
}
export function onTrainBatchGradientStepEnd(ctx: PhaseContext): Failure | null {
  return turn(ctx);
}

export function onTrainBatchEnd(ctx: PhaseContext): Failure | null {
  const failure = turn(ctx);
  if (failure !== null) return failure;
  const step = ctx.globalStep();
  if (step == 1) firstStep(ctx);
  if (task.value == "handles") handles(step);
  if (task.value == "stale") stale(step);
  if (task.value == "own-error") return fail("it may not, ⅓ 💡", ErrorCode.Conflict);
  if (task.value == "state" && step > 1) showState();
  if (task.value == "recover") {
    if (step <= 1) throw new Error("the first strike");
    info("alive again");
  }
  return null;
}

export function onTrainLoaderEnd(ctx: PhaseContext): Failure | null {
  if (task.value != "texts") return null;
  const failure = ctx.publishMetric("é ⅓ 💡", 1);
  if (failure !== null) return failure;
  const entries = ctx.metricsDict();
  for (let i = 0; i < entries.length; i++) {
    if (entries[i].name.endsWith("💡")) info(entries[i].name);
  }
  return null;
}

export function onValidationBatchEnd(ctx: PhaseContext): Failure | null {
  failAt("validation");
  return null;
}

export function onTrainingEnd(ctx: PhaseContext): Failure | null {
  failAt("end");
  return null;
}

/** Takes a handle and gives it back to nobody; or asks the host so many times. */
function turn(ctx: PhaseContext): Failure | null {
  if (task.value == "costs") {
    for (let asked: u32 = 0; asked < <u32>turns.value; asked++) ctx.globalStep();
  }
  if (task.value != "turns") return null;
  calls++;
  const group = ctx.parameters();
  if (group.failed) return group.failure;
  return calls == <u32>turns.value ? ctx.disableSelf("that is enough") : null;
}

function firstStep(ctx: PhaseContext): void {
  if (task.value == "twice") twice();
  if (task.value == "texts") {
    info(say.value);
    info("a\0b é ⅓ 💡 \u{10ffff}");
  }
  if (task.value == "options") options(ctx);
  if (task.value == "lists") lists();
  if (task.value == "integers") integers(ctx);
  if (task.value == "numbers") numbers(ctx);
  if (task.value == "state") for (let i = 0; i < 32; i++) state[i].value = expected(i);
}

/** The number whose bytes are the eight from 8 × `place` on, the first of them last. */
function expected(place: i32): f64 {
  let bits: u64 = 0;
  for (let i = 0; i < 8; i++) bits = (bits << 8) | <u64>(8 * place + i);
  return reinterpret<f64>(bits);
}

function showState(): void {
  let isWhole = true;
  for (let i = 0; i < 32; i++) isWhole = isWhole && state[i].value == expected(i);
  info(isWhole ? "state whole" : "state damaged");
}

function handles(step: u64): void {
  if (step == 1) {
    const one = full([2, 3], 1.5, Dtype.Float32, "").value;
    const two = one.add(one, 1).value;
    info(`${shown(sum(two))} ${shown(sum(one))}`);
    kept = number(7).keep().value;
  }
  if (step == 2) {
    info(`kept ${shown(kept!.item().value)}`);
    kept!.drop();
    info("released later");
  }
}

function twice(): void {
  const made = number(7);
  made.drop();
  made.drop();
  info("alive");
}

function stale(step: u64): void {
  if (step == 1) kept = number(7);
  if (step == 2) code(kept!.item().failure);
}

function errors(ctx: PhaseContext): void {
  const two = full([2], 1, Dtype.Float32, "").value, three = full([3], 1, Dtype.Float32, "").value;
  code(two.add(three, 1).failure);
  code(ctx.preds().failure);
  code(ctx.requestStop("batch", ""));
  code(zeros([2], Dtype.Other, "").failure);
  code(zeros([1 << 40], Dtype.Float32, "").failure);
  code(ctx.learningRate("nobody").failure);
}

function epoch(ctx: PhaseContext): void {
  const value = ctx.epoch();
  info(value.some ? "epoch some " + value.value.toString() : "epoch none");
}

function options(ctx: PhaseContext): void {
  epoch(ctx);
  info(ctx.metric("nobody").some ? "metric some" : "metric none");
  const three = number(3);
  info(shown(three.clamp(NaN, 2).value.item().value));
  info(shown(three.clamp(5, NaN).value.item().value));
}

function lists(): void {
  const values = new Array<f32>(LARGE);
  for (let i: u32 = 0; i < LARGE; i++) values[i] = <f32>(i % 7);
  const given = fromF32([LARGE], values, "").value;
  const total = sum(given.toDtype(Dtype.Float64).value);
  const back = given.readF32(0, LARGE).value;
  let read: f64 = 0;
  for (let i = 0; i < back.length; i++) read += back[i];
  info(`${back.length} ${shown(total)} ${shown(read)}`);
}

function integers(ctx: PhaseContext): void {
  const given = fromS64([3], [i64.MIN_VALUE, i64.MAX_VALUE, -1], "").value;
  const back = given.readS64(0, 3).value;
  info(`${back[0]} ${back[1]} ${back[2]}`);
  info(ctx.seed().toString());
  code(given.readS64(u64.MAX_VALUE, 1).failure);
}

function numbers(ctx: PhaseContext): void {
  const given = fromF32([5], [<f32>NaN, <f32>Infinity, <f32>-Infinity, -0.0, 3], "").value;
  const back = given.readF32(0, 5).value;
  info(back.map<string>((value) => shown(value)).join(" "));
  const extremes: f64[] = [f64.MAX_VALUE, f64.MIN_VALUE, -Infinity];
  for (let i = 0; i < 3; i++) {
    info(full([], extremes[i], Dtype.Float64, "").value.item().value == extremes[i] ? "exact" : "changed");
  }
  if (ctx.logScalar("nan", NaN) !== null || ctx.logScalar("é ⅓ 💡", f64.MAX_VALUE) !== null) throw new Error("not logged");
}
