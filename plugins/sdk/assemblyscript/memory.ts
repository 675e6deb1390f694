// Values between AssemblyScript and the host: results in memory, texts, lists, and the handles that end with a call.

import { ErrorCode, ScalarEntry, Tensor, TensorGroup, context_release, drop_phase_context } from "./contract";

/** Answers of the host that need more than one value of WebAssembly. */
export const AREA: usize = memory.data(64, 8);

/** The contract's error, of the host or the callback's own. */
export class Failure {
  constructor(public code: ErrorCode, public message: string) {}
}

/** A value, or the error in its place: look at `failed` first, or take `unwrap()`. */
export class Result<T> {
  private constructor(private kept: T, public failure: Failure | null) {}

  static of<T>(value: T): Result<T> {
    return new Result<T>(value, null);
  }

  static failed<T>(failure: Failure): Result<T> {
    // @ts-ignore: a value that is never read
    return new Result<T>(isReference<T>() ? changetype<T>(0) : <T>0, failure);
  }

  get failed(): bool {
    return this.failure !== null;
  }

  /** The value. Without one the call ends as a trap, whose message is that of the error. */
  get value(): T {
    const failure = this.failure;
    if (failure !== null) throw new Error(failure.message);
    return this.kept;
  }
}

/** A number that may be missing. */
export class Maybe<T> {
  constructor(public some: bool, public value: T) {}
}

export class Position {
  constructor(public epoch: Maybe<u32>, public batchIdx: Maybe<u64>, public globalStep: u64) {}
}

export class Progress {
  constructor(public globalStep: u64, public maxSteps: u64) {}
}

export class Pair {
  constructor(public values: Tensor, public indices: Tensor) {}
}

/** An object of the host. */
export class Handle {
  constructor(public handle: i32) {}

  untrack(): bool {
    return this.handle != 0;
  }
}

/** A tensor or a group: it ends with the call unless it is lasting. */
export class Tracked extends Handle {
  constructor(handle: i32) {
    super(handle);
    made(this).push(handle);
  }

  untrack(): bool {
    const handles = made(this);
    const place = handles.indexOf(this.handle);
    if (place >= 0) handles.splice(place, 1);
    return this.handle != 0;
  }
}

const madeTensors: i32[] = [];
const madeGroups: i32[] = [];

function made(handle: Tracked): i32[] {
  return handle instanceof Tensor ? madeTensors : madeGroups;
}

/** Gives back what the call has not kept, and the lent context. */
export function endCall(context: i32): void {
  if (madeTensors.length + madeGroups.length > 0) {
    context_release(madeTensors.dataStart, madeTensors.length, madeGroups.dataStart, madeGroups.length);
    madeTensors.length = 0;
    madeGroups.length = 0;
  }
  if (context != 0) drop_phase_context(context);
}

export function untrack<T extends Handle>(given: Array<T>): void {
  for (let i = 0; i < given.length; i++) given[i].untrack();
}

// ---- from the host ----

export function failure(at: usize): Failure {
  return new Failure(<ErrorCode>load<u8>(AREA + at), text(AREA + at + 4));
}

export function take(start: usize, units: usize): string {
  if (units == 0) return "";
  const made = String.UTF16.decodeUnsafe(start, units << 1);
  heap.free(start);
  return made;
}

export function text(at: usize): string {
  return take(load<usize>(at), load<usize>(at, 4));
}

export function numbers<T>(at: usize): Array<T> {
  const start = load<usize>(at);
  const made = new Array<T>(load<i32>(at, 4));
  if (made.length == 0) return made;
  memory.copy(made.dataStart, start, <usize>made.length * sizeof<T>());
  heap.free(start);
  return made;
}

export function textList(at: usize): Array<string> {
  const start = load<usize>(at);
  const made = new Array<string>();
  for (let i: usize = 0; i < load<usize>(at, 4); i++) made.push(text(start + (i << 3)));
  if (made.length > 0) heap.free(start);
  return made;
}

export function entryList(at: usize): Array<ScalarEntry> {
  const start = load<usize>(at), count = load<usize>(at, 4);
  const made = new Array<ScalarEntry>();
  for (let i: usize = 0; i < count; i++) {
    made.push(new ScalarEntry(text(start + (i << 4)), load<f64>(start + (i << 4), 8)));
  }
  if (count > 0) heap.free(start);
  return made;
}

// ---- to the host ----

export function handles<T extends Handle>(given: Array<T>): StaticArray<i32> {
  const made = new StaticArray<i32>(given.length);
  for (let i = 0; i < given.length; i++) made[i] = given[i].handle;
  return made;
}

export function texts(given: Array<string>): StaticArray<usize> {
  const made = new StaticArray<usize>(given.length * 2);
  for (let i = 0; i < given.length; i++) {
    made[2 * i] = changetype<usize>(given[i]);
    made[2 * i + 1] = given[i].length;
  }
  return made;
}

export function entries(given: Array<ScalarEntry>): StaticArray<f64> {
  const made = new StaticArray<f64>(given.length * 2);
  for (let i = 0; i < given.length; i++) {
    const at = changetype<usize>(made) + (<usize>i << 4);
    store<usize>(at, changetype<usize>(given[i].name));
    store<usize>(at, given[i].name.length, 4);
    store<f64>(at, given[i].value, 8);
  }
  return made;
}

export function cabi_realloc(old: usize, oldSize: usize, align: usize, size: usize): usize {
  return old ? heap.realloc(old, size) : heap.alloc(size);
}
