/**
 * Callbacks in JavaScript and TypeScript: an object whose methods are named like phases.
 *
 * Owns the description with the schema of the parameters, their reading, the state, the handles of a call, the report of
 * uncaught exceptions, and the way of `console` to the run's log. The garbage collector frees no handle (StarlingMonkey does
 * not run finalizers for them): tensors and groups are given back when the call ends, unless they were kept.
 */
import * as contractContext from 'phasebox:train/context@0.1.0';
import * as contractTensor from 'phasebox:train/tensor@0.1.0';
import { log, reportFailure } from 'phasebox:train/diagnostics@0.1.0';

const { Tensor, TensorGroup } = contractTensor;

// ---- errors ----

const CODES = new Set(['invalid-argument', 'shape-mismatch', 'dtype-mismatch', 'device-mismatch', 'not-available', 'stale-handle',
  'denied', 'quota-exceeded', 'too-large', 'out-of-memory', 'unsupported', 'collective-mismatch', 'peer-failed', 'sharded',
  'timed-out', 'interrupted', 'conflict', 'input-output', 'other']);

/** An error of the contract, to return from a callback: `throw refuse('…')`. */
export function refuse(message, code = 'other') {
  if (!CODES.has(code)) throw new TypeError(`no error code is called '${code}'; known are ${[...CODES].join(', ')}`);
  return { code, message: String(message).toWellFormed() };
}

const invalid = (message) => refuse(message, 'invalid-argument');

/** The contract's error in a thrown value, the callback's own or the host's; undefined for a bug. */
export function contractError(thrown) {
  const error = thrown?.payload ?? thrown;
  const known = CODES.has(error?.code) && typeof error.message === 'string' && !(error instanceof Error);
  return known ? error : undefined;
}

// ---- lines of the log ----

let hasHost = false; // false while the component is built

function shown(value) {
  if (typeof value === 'string') return value;
  if (value instanceof Error) return `${value}\n${own(value.stack)}`;
  if (typeof value !== 'object' || value === null) return String(value);
  try {
    return JSON.stringify(value, (_, inner) => (typeof inner === 'bigint' ? `${inner}n` : inner));
  } catch {
    return String(value);
  }
}

function line(level, values) {
  const text = values.map(shown).join(' ').toWellFormed();
  for (const one of text.split('\n')) log(level, one);
}

const LEVELS = { trace: 'trace', debug: 'debug', log: 'info', info: 'info', warn: 'warn', error: 'error' };
for (const [name, level] of Object.entries(LEVELS)) {
  const before = console[name];
  console[name] = (...values) => (hasHost ? line(level, values) : before?.apply(console, values));
}

// ---- handles: those of a call end with it ----

const made = new Set();
const HANDLES = [Tensor, TensorGroup, ...['Model', 'Optimizer', 'Criterion', 'DataLoader', 'Metrics', 'Logger'].map(
  (name) => contractContext[name])];
const KINDS = new Set(HANDLES);
const LASTING = new Set([Tensor.prototype.keep, TensorGroup.prototype.duplicate]);
/** Functions whose second argument is a number: JavaScript would log NaN for anything else. */
const NUMBERS = new Set(['logScalar', 'scalar', 'publishMetric', 'setLearningRate']);

function noted(result) {
  if (Array.isArray(result)) result.forEach(noted);
  else if (KINDS.has(result?.constructor)) made.add(result);
  return result;
}

function watched(name, method) {
  if (LASTING.has(method)) return method;
  const numbers = NUMBERS.has(name);
  return function (...given) {
    if (numbers && typeof given[1] !== 'number') throw new TypeError(`${name}: a number is needed, not ${typeof given[1]}`);
    const result = method.apply(this, given);
    return typeof result === 'object' ? noted(result) : result;
  };
}

for (const { prototype } of [...HANDLES, contractContext.PhaseContext]) {
  for (const name of Object.getOwnPropertyNames(prototype)) {
    if (name !== 'constructor' && typeof prototype[name] === 'function') prototype[name] = watched(name, prototype[name]);
  }
  const dispose = prototype[Symbol.dispose];
  if (dispose) {
    prototype[Symbol.dispose] = function () {
      made.delete(this);
      return dispose.call(this);
    };
  }
}

/** The contract's functions that make tensors: `tensor.zeros([2n], 'float32', '')`. Their results end with the call too. */
export const tensor = Object.fromEntries(Object.entries(contractTensor).map(([name, value]) => [
  name, typeof value === 'function' && !/^[A-Z]/.test(name) ? (...given) => noted(value(...given)) : value]));

/** Gives handles back before the call ends: for loops that make thousands. */
export function release(...handles) {
  const tensors = handles.filter((handle) => handle instanceof Tensor);
  const groups = handles.filter((handle) => handle instanceof TensorGroup);
  for (const handle of handles) made.delete(handle);
  if (tensors.length + groups.length > 0) contractContext.release(tensors, groups);
  for (const handle of handles) {
    if (!(handle instanceof Tensor || handle instanceof TensorGroup)) handle[Symbol.dispose]();
  }
}

/** `scope((use) => { const loss = use(ctx.loss()); … })` gives the handles that went through `use` back at its end. */
export function scope(body) {
  const handles = [];
  const use = (handle) => (handles.push(handle), handle);
  try {
    return settled('scope', body(use));
  } finally {
    release(...handles);
  }
}

/** A phase is over when it returns, and with it the lent context: nothing can be waited for. */
function settled(name, result) {
  if (typeof result?.then === 'function') throw new TypeError(`${name} is async, and a call cannot wait: drop \`async\``);
  return result;
}

// ---- parameters ----

const parameter = (type, fits) => (first, description = '', rules = {}) => ({
  first, fits, schema: { type, ...(first === undefined ? {} : { default: first }), description, ...rules } });

/** A parameter that is a number: `number(0.1, 'The …', { minimum: 0 })`. Its default, or undefined: it is required. */
export const number = parameter('number', (value) => typeof value === 'number');
/** A parameter that is a whole number. */
export const whole = parameter('integer', (value) => Number.isInteger(value));
/** A parameter that is a text. */
export const text = parameter('string', (value) => typeof value === 'string');
/** A parameter that is true or false. */
export const flag = parameter('boolean', (value) => typeof value === 'boolean');
/** A parameter that is a list. */
export const list = parameter('array', (value) => Array.isArray(value));

function checked(name, { fits, schema }, value) {
  const { minimum = -Infinity, maximum = Infinity, exclusiveMinimum = -Infinity, exclusiveMaximum = Infinity } = schema;
  const inside = typeof value !== 'number' || (value >= minimum && value <= maximum
    && !(value <= exclusiveMinimum) && !(value >= exclusiveMaximum));
  if (!fits(value) || !inside || !(schema.enum ?? [value]).includes(value)) {
    throw invalid(`parameter "${name}" must fit ${JSON.stringify(schema)}, and is ${JSON.stringify(value)}`);
  }
  return value;
}

function parsed(given, json) {
  const values = JSON.parse(json);
  const unknown = Object.keys(values).find((name) => !Object.hasOwn(given, name));
  if (unknown) throw invalid(`unknown parameter "${unknown}"; known are ${Object.keys(given).join(', ') || 'none'}`);
  return Object.fromEntries(Object.entries(given).map(([name, about]) => {
    if (Object.hasOwn(values, name)) return [name, checked(name, about, values[name])];
    if (about.first === undefined) throw invalid(`parameter "${name}" is missing: it has no default`);
    return [name, about.first];
  }));
}

function schema(given) {
  const required = Object.keys(given).filter((name) => given[name].first === undefined);
  const properties = Object.fromEntries(Object.entries(given).map(([name, about]) => [name, about.schema]));
  return { type: 'object', additionalProperties: false, properties, required };
}

// ---- state ----

/**
 * A number on its way from the device, asked for in one call and taken in a later one: without a wait. In `state` it is
 * saved with what has arrived, so that a resumed run has the same bits.
 */
export class Later {
  #pending;
  #arrived;

  /**
   * Asks for the element of a tensor, unless a number is on its way: `loss.ask(() => ctx.loss())`. A value that this phase
   * does not have, such as the loss of a skipped batch, is no failure.
   */
  ask(value) {
    if (this.#pending !== undefined || this.#arrived !== undefined) return;
    try {
      this.#pending = value().defer();
    } catch (thrown) {
      if (contractError(thrown)?.code !== 'not-available') throw thrown;
    }
  }

  /** The number that was asked for, once, if it is here. */
  take() {
    const arrived = this.arrived();
    this.#arrived = undefined;
    return arrived;
  }

  /** The number, if it is here, for `take`. */
  arrived() {
    const value = this.#pending?.poll();
    if (value !== undefined) this.restore(value);
    return this.#arrived;
  }

  /** What was saved takes the place of what is on its way. */
  restore(value) {
    this.#pending?.[Symbol.dispose]();
    this.#pending = undefined;
    this.#arrived = value;
  }
}

/** A number on its way from the device, for `state`. */
export const later = () => new Later();

// JSON has no infinity, no not-a-number, no -0 and no bigint.
function saved(_, value) {
  if (value instanceof Later) return { later: value.arrived() };
  if (typeof value === 'bigint') return { bigint: String(value) };
  const exact = typeof value !== 'number' || (Number.isFinite(value) && !Object.is(value, -0));
  return exact ? value : { number: Object.is(value, -0) ? '-0' : String(value) };
}

function restored(_, value) {
  if (typeof value?.number === 'string' && Object.keys(value).length === 1) return Number(value.number);
  return typeof value?.bigint === 'string' && Object.keys(value).length === 1 ? BigInt(value.bigint) : value;
}

function load(state, bytes) {
  let values;
  try {
    values = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes), restored);
  } catch {
    values = undefined;
  }
  if (values?.format !== 1) throw invalid('the state is not that of this callback');
  for (const [name, value] of Object.entries(values.state)) {
    if (state[name] instanceof Later) state[name].restore(value.later);
    else if (Object.hasOwn(state, name)) state[name] = value;
  }
}

// ---- the callback ----

/**
 * Makes the exported object: `export const callback = define({ name, version, summary, grants, metrics, params, state,
 * onTrainBatchEnd(ctx) { … } })`. In methods `this.params` has the recipe's values, and `this.state` what checkpoints hold.
 * A method `configure()` checks what the rules of the parameters do not say.
 */
export function define({ params = {}, state = {}, configure, ...rest }) {
  const about = ['name', 'version', 'summary', 'grants', 'metrics', 'state_version'].filter((key) => key in rest);
  const words = Object.fromEntries(about.map((key) => [key, rest[key]]));
  const self = Object.assign(rest, { params: undefined, state });
  return guard(Object.assign(self, {
    describe: () => JSON.stringify({ ...words, parameters: schema(params) }),
    configure(json) {
      self.params = parsed(params, json);
      configure?.call(self);
    },
    saveState: rest.saveState ?? (() => JSON.stringify({ format: 1, state }, saved)),
    loadState: rest.loadState ?? ((bytes) => load(state, bytes)),
  }));
}

/** Names of functions that the host calls. */
const LIFE = /^(on[A-Z]\w*|describe|configure|checkRun|saveState|loadState)$/;

/** Wraps the methods of an object: anything thrown but an error of the contract is reported with its stack, then traps. */
export function guard(callback) {
  const methods = Object.entries(callback).filter(([, value]) => typeof value === 'function');
  const waiting = methods.find(([name, method]) => LIFE.test(name) && method.constructor?.name === 'AsyncFunction');
  if (waiting) throw Error(`${waiting[0]} is async, and a call cannot wait: drop \`async\``);
  return Object.fromEntries(methods.map(([name, method]) => [name, (...given) => reporting(name, () => method.apply(callback, given))]));
}

/**
 * The callback, if its methods are the phases that the world exports. One that the world lacks is never called, and one that
 * is missing cannot be found. For the build: it asks the object, since a look at the source misses a method that is written
 * in an unusual way.
 */
export function held(callback, phases) {
  if (typeof callback !== 'object') throw Error('the source must have `export const callback = define({ … })`');
  const names = [];
  for (let at = callback; at !== null && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    names.push(...Object.getOwnPropertyNames(at));
  }
  const here = names.filter((name) => /^on(_|[A-Z])/.test(name) && typeof callback[name] === 'function');
  const way = (name) => `\n  a phase (wit/deps/phasebox-train/callback.wit has all) is a method on a line of its own: \`${name}(ctx) {\``;
  const extra = here.filter((name) => !phases.includes(name));
  if (extra.length > 0) {
    throw Error(`${extra.join(', ')} would never be called: the world in wit/ lacks it, which \`phasebox build\` writes `
      + `from the phases that it finds in the source${way(extra[0])}`);
  }
  const missing = phases.filter((name) => !here.includes(name));
  if (missing.length > 0) {
    throw Error(`the world in wit/ has ${missing.join(', ')}, and the callback has no such method${way(missing[0])}`);
  }
  return callback;
}

function reporting(name, call) {
  hasHost = true;
  try {
    const result = settled(name, call());
    return name === 'saveState' ? bytes(result) : result;
  } catch (thrown) {
    if (!contractError(thrown)) {
      report(thrown);
      trap();
    }
    throw thrown;
  } finally {
    if (made.size > 0) release(...made);
  }
}

/**
 * Ends the call as a trap. A build has no HTTP, and what asks for it traps at once; an exception ends the call too, and its
 * engine then writes four lines about its own end to the log.
 */
const { fetch } = globalThis;
const trap = () => fetch?.('http://0.0.0.0');

/** A state as bytes: a text is saved as UTF-8. */
function bytes(state) {
  const encoded = typeof state === 'string' ? new TextEncoder().encode(state) : state;
  if (!(encoded instanceof Uint8Array)) throw new TypeError(`saveState must return a Uint8Array or a text, not ${typeof state}`);
  return encoded;
}

/** The author's lines of a stack, under the names of the author's files. */
function own(stack) {
  const lines = String(stack ?? '').split('\n').filter((one) => !/phasebox\.mjs:|initializer\.js:/.test(one));
  return lines.join('\n').replaceAll('build/src/', '').trim();
}

function report(thrown) {
  const causes = [];
  for (let cause = thrown?.cause; cause !== undefined && causes.length < 8; cause = cause?.cause) {
    causes.push(`caused by: ${shown(cause)}`);
  }
  const [place, ...callers] = own(thrown?.stack).split('\n');
  const message = thrown instanceof Error ? String(thrown) : `thrown: ${shown(thrown)}`;
  reportFailure(message.toWellFormed(), place, [...callers, ...causes].join('\n').toWellFormed());
}
