// Callbacks in AssemblyScript: exported functions that are named like phases.
//
// Owns the exports of a callback: its description with the schema of its parameters, the reading of them, its state, and
// the words of errors and traps. The contract's functions are in contract.ts. There are no exceptions to catch: a function
// that can fail answers a `Result`, and a phase answers the `Failure` or null.

import { Deferred, ErrorCode, Level, PhaseContext, Tensor, log as write, reportFailure } from "./contract";
import { AREA, Failure, Result, endCall, take } from "./memory";

export * from "./contract";
export { Failure, Maybe, Result, cabi_realloc } from "./memory";

/** An error of the callback: `return fail("there are no gradients")`. */
export function fail(message: string, code: ErrorCode = ErrorCode.Other): Failure {
  return new Failure(code, message);
}

function invalid(message: string): Failure {
  return new Failure(ErrorCode.InvalidArgument, message);
}

/** Writes one line to the run's log. */
export function info(text: string): void {
  write(Level.Info, text);
}

// ---- the description ----

let head = "";

/** The words about the callback. `grants` are those that the recipe must give. */
export function describe(name: string, version: string, summary: string, grants: string[] = [], metrics: string[] = []): void {
  head = `"name":${quoted(name)},"version":${quoted(version)},"summary":${quoted(summary)},"grants":${list(grants)},"metrics":${list(metrics)}`;
}

function list(names: string[]): string {
  return "[" + names.map<string>((name) => quoted(name)).join(",") + "]";
}

function quoted(text: string): string {
  let made = '"';
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit == 0x22 || unit == 0x5c) made += "\\" + text.charAt(i);
    else if (unit < 0x20) made += "\\u" + unit.toString(16).padStart(4, "0");
    else made += text.charAt(i);
  }
  return made + '"';
}

/** A number as JSON; whole ones without a point. */
function shown(value: f64): string {
  return value == Math.floor(value) && Math.abs(value) < 1e15 ? (<i64>value).toString() : value.toString();
}

// ---- parameters ----

const parameters: Parameter[] = [];

class Parameter {
  constructor(public name: string, public description: string) {
    parameters.push(this);
  }
  given: bool = false;
  optional: bool = true;

  type(): string { return "string"; }
  rest(): string { return ""; }
  read(json: Json): Failure | null { return null; }
  schema(): string {
    return `{"type":"${this.type()}","description":${quoted(this.description)}${this.rest()}}`;
  }
  refused(): Failure {
    return invalid(`parameter "${this.name}" must fit ${this.schema()}`);
  }
}

/** A parameter that is a number. */
export class NumberParameter extends Parameter {
  private bounds: string = "";
  private least: f64 = -Infinity;
  private most: f64 = Infinity;
  private open: bool = false;

  constructor(name: string, public value: f64, description: string, private whole: bool) {
    super(name, description);
    this.optional = !isNaN(value);
  }

  /** The smallest value that is allowed. */
  atLeast(bound: f64): this {
    this.least = bound;
    this.bounds += `,"minimum":${shown(bound)}`;
    return this;
  }
  /** The largest value that is allowed. */
  atMost(bound: f64): this {
    this.most = bound;
    this.bounds += `,"maximum":${shown(bound)}`;
    return this;
  }
  /** Allows only what is below. */
  below(bound: f64): this {
    this.most = bound;
    this.open = true;
    this.bounds += `,"exclusiveMaximum":${shown(bound)}`;
    return this;
  }

  type(): string { return this.whole ? "integer" : "number"; }
  rest(): string {
    return (this.optional ? `,"default":${shown(this.value)}` : "") + this.bounds;
  }
  read(json: Json): Failure | null {
    const value = json.number();
    const whole = !this.whole || value == Math.floor(value);
    const inside = value >= this.least && (this.open ? value < this.most : value <= this.most);
    if (json.failed || !whole || !inside) return this.refused();
    this.value = value;
    return null;
  }
}

/** A parameter that is a text. */
export class TextParameter extends Parameter {
  constructor(name: string, public value: string, description: string) {
    super(name, description);
  }
  rest(): string { return `,"default":${quoted(this.value)}`; }
  read(json: Json): Failure | null {
    const value = json.text();
    if (json.failed) return this.refused();
    this.value = value;
    return null;
  }
}

/** A parameter that is true or false. */
export class FlagParameter extends Parameter {
  constructor(name: string, public value: bool, description: string) {
    super(name, description);
  }
  type(): string { return "boolean"; }
  rest(): string { return `,"default":${this.value}`; }
  read(json: Json): Failure | null {
    this.value = json.word("true");
    return this.value || json.word("false") ? null : this.refused();
  }
}

/** A parameter that is a number. Without a default it is required: give `NaN`. */
export function number(name: string, value: f64, description: string): NumberParameter {
  return new NumberParameter(name, value, description, false);
}

/** A parameter that is a whole number. */
export function whole(name: string, value: f64, description: string): NumberParameter {
  return new NumberParameter(name, value, description, true);
}

/** A parameter that is a text. */
export function text(name: string, value: string, description: string): TextParameter {
  return new TextParameter(name, value, description);
}

/** A parameter that is true or false. */
export function flag(name: string, value: bool, description: string): FlagParameter {
  return new FlagParameter(name, value, description);
}

/** A reader of flat JSON. `failed` is set where the text is something else. */
class Json {
  at: i32 = 0;
  failed: bool = false;
  constructor(private source: string) {}

  private unit(): i32 {
    while (this.at < this.source.length && this.source.charCodeAt(this.at) <= 0x20) this.at++;
    return this.at < this.source.length ? this.source.charCodeAt(this.at) : 0;
  }
  eat(unit: i32): bool {
    if (this.unit() != unit) return false;
    this.at++;
    return true;
  }
  word(word: string): bool {
    this.unit();
    if (!this.source.startsWith(word, this.at)) return false;
    this.at += word.length;
    return true;
  }
  number(): f64 {
    this.unit();
    const start = this.at;
    while (this.at < this.source.length && "+-.0123456789eE".includes(this.source.charAt(this.at))) this.at++;
    this.failed = this.failed || this.at == start;
    return this.failed ? NaN : parseFloat(this.source.substring(start, this.at));
  }
  text(): string {
    let made = "";
    if (!this.eat(0x22)) this.failed = true;
    while (!this.failed) {
      const unit = this.at < this.source.length ? this.source.charCodeAt(this.at++) : 0;
      if (unit == 0x22) return made;
      if (unit == 0) this.failed = true;
      made += unit == 0x5c ? this.escaped() : String.fromCharCode(unit);
    }
    return made;
  }
  private escaped(): string {
    const letter = this.source.charAt(this.at++);
    const place = "nrtbf".indexOf(letter);
    if (letter == "u") {
      this.at += 4;
      return String.fromCharCode(<i32>parseInt(this.source.substring(this.at - 4, this.at), 16));
    }
    return place < 0 ? letter : "\n\r\t\b\f".charAt(place);
  }
}

function configured(params: string): Failure | null {
  const json = new Json(params);
  if (!json.eat(0x7b)) return invalid("params is not a JSON object");
  while (!json.eat(0x7d)) {
    const key = json.text();
    if (json.failed || !json.eat(0x3a)) return invalid("params is not a JSON object");
    const failure = readParameter(key, json);
    if (failure !== null) return failure;
    json.eat(0x2c);
  }
  for (let i = 0; i < parameters.length; i++) {
    const it = parameters[i];
    if (!it.optional && !it.given) return invalid(`parameter "${it.name}" is missing: it has no default`);
  }
  return null;
}

function readParameter(key: string, json: Json): Failure | null {
  for (let i = 0; i < parameters.length; i++) {
    if (parameters[i].name != key) continue;
    parameters[i].given = true;
    return parameters[i].read(json);
  }
  const known = parameters.map<string>((it) => it.name).join(", ");
  return invalid(`unknown parameter "${key}"; known are ${known}`);
}

// ---- state: for each value its name, whether it is there, and the number ----

const state: Saved[] = [];
const FORMAT: u8 = 1;

/** A number that checkpoints hold. */
export class Saved {
  constructor(public name: string, public value: f64) {
    state.push(this);
  }
  /** Makes ready for a checkpoint. */
  settle(): Failure | null { return null; }
  there(): bool { return true; }
  restore(there: bool, value: f64): void { this.value = value; }
}

/** A number that checkpoints hold, with its first value. `NaN` may stand for none. */
export function saved(name: string, value: f64 = 0): Saved {
  return new Saved(name, value);
}

/** A number on its way from the device, which checkpoints hold once it has arrived. */
export function later(name: string): Later {
  return new Later(name, 0);
}

/**
 * A number on its way from the device, asked for in one call and taken in a later one: without a wait. Checkpoints hold
 * what has arrived, so that a resumed run has the same bits.
 */
export class Later extends Saved {
  private pending: Deferred | null = null;
  private arrived: bool = false;

  /**
   * Asks for the element of a tensor, unless a number is on its way: `loss.ask(ctx.loss())`. A value that this phase does
   * not have, such as the loss of a skipped batch, is no failure.
   */
  ask(tensor: Result<Tensor>): Failure | null {
    const failure = tensor.failure;
    if (failure !== null) return failure.code == ErrorCode.NotAvailable ? null : failure;
    if (this.pending !== null || this.arrived) return null;
    const asked = tensor.value.defer();
    if (!asked.failed) this.pending = asked.value;
    return asked.failure;
  }

  /** True, once, if the number that was asked for is here: `value` has it then. */
  take(): Result<bool> {
    const failure = this.settle();
    if (failure !== null) return Result.failed<bool>(failure);
    const arrived = this.arrived;
    this.arrived = false;
    return Result.of<bool>(arrived);
  }

  settle(): Failure | null {
    const pending = this.pending;
    if (pending === null) return null;
    const polled = pending.poll();
    if (polled.failed || !polled.value.some) return polled.failure;
    pending.drop();
    this.pending = null;
    this.arrived = true;
    this.value = polled.value.value;
    return null;
  }
  there(): bool { return this.arrived; }
  restore(there: bool, value: f64): void {
    this.arrived = there;
    this.value = value;
  }
}

/** Bytes of the state, or of that which is read. */
class Bytes {
  at: i32 = 0;
  constructor(public bytes: Uint8Array) {}

  put<T>(value: T): void {
    store<T>(this.bytes.dataStart + this.at, value);
    this.at += sizeof<T>();
  }
  get<T>(): T {
    const value = load<T>(this.bytes.dataStart + this.at);
    this.at += sizeof<T>();
    return value;
  }
  left(count: i32): bool {
    return this.bytes.length - this.at >= count;
  }
}

function savedBytes(): Uint8Array {
  let size = 1;
  for (let i = 0; i < state.length; i++) size += 11 + 2 * state[i].name.length;
  const bytes = new Bytes(new Uint8Array(size));
  bytes.put<u8>(FORMAT);
  for (let i = 0; i < state.length; i++) {
    const it = state[i];
    bytes.put<u16>(<u16>it.name.length);
    for (let place = 0; place < it.name.length; place++) bytes.put<u16>(<u16>it.name.charCodeAt(place));
    bytes.put<u8>(it.there() ? 1 : 0);
    bytes.put<f64>(it.value);
  }
  return bytes.bytes;
}

function restored(bytes: Bytes): Failure | null {
  const failure = invalid("the state is not that of this callback");
  if (!bytes.left(1) || bytes.get<u8>() != FORMAT) return failure;
  while (bytes.left(1)) {
    const length = bytes.left(2) ? <i32>bytes.get<u16>() : 0;
    if (!bytes.left(2 * length + 9)) return failure;
    let name = "";
    for (let place = 0; place < length; place++) name += String.fromCharCode(bytes.get<u16>());
    const there = bytes.get<u8>() != 0, value = bytes.get<f64>();
    for (let i = 0; i < state.length; i++) if (state[i].name == name) state[i].restore(there, value);
  }
  return null;
}

// ---- the exports; build.mjs calls them under the names of the contract ----

let words = "";
let bytesShown = new Uint8Array(0);

function answer(first: u32, second: u32, third: u32, fourth: u32): usize {
  store<u32>(AREA, first);
  store<u32>(AREA, second, 4);
  store<u32>(AREA, third, 8);
  store<u32>(AREA, fourth, 12);
  return AREA;
}

/** Ends a call; `context` is 0 where none was lent. */
export function finish(failure: Failure | null, context: i32): usize {
  endCall(context);
  if (failure === null) return answer(0, 0, 0, 0);
  words = failure.message;
  return answer(1, failure.code, <u32>changetype<usize>(words), words.length);
}

export function exportDescribe(): usize {
  const properties = parameters.map<string>((it) => quoted(it.name) + ":" + it.schema()).join(",");
  const required = list(parameters.filter((it) => !it.optional).map<string>((it) => it.name));
  words = `{${head},"parameters":{"type":"object","additionalProperties":false,"properties":{${properties}},"required":${required}}}`;
  return answer(<u32>changetype<usize>(words), words.length, 0, 0);
}

export function exportConfigure(at: usize, units: usize): usize {
  return finish(configured(take(at, units)), 0);
}

export function exportSaveState(): usize {
  for (let i = 0; i < state.length; i++) {
    const failure = state[i].settle();
    if (failure !== null) return finish(failure, 0);
  }
  bytesShown = savedBytes();
  return answer(0, <u32>bytesShown.dataStart, bytesShown.length, 0);
}

export function exportLoadState(at: usize, length: usize): usize {
  const bytes = new Uint8Array(<i32>length);
  memory.copy(bytes.dataStart, at, length);
  if (length > 0) heap.free(at);
  return finish(restored(new Bytes(bytes)), 0);
}

/** Takes the place of AssemblyScript's own `abort`: reports what went wrong and where, then traps. */
export function abort(message: string | null, file: string | null, line: u32, column: u32): void {
  const place = `${file ? file : "?"}:${line}:${column}`;
  reportFailure(message ? message : "abort", place, "");
  unreachable();
}
