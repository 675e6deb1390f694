/**
 * Short forms for callbacks written in JavaScript: uncaught exceptions are reported to the host, and handles are
 * freed. The garbage collector frees none (StarlingMonkey does not run finalizers for them).
 */
import { release } from 'phasebox:train/context@0.1.0';
import { reportFailure } from 'phasebox:train/diagnostics@0.1.0';
import { Tensor, TensorGroup } from 'phasebox:train/tensor@0.1.0';

/** An error of the contract, to return from a callback: `throw refuse('…')`. */
export function refuse(message, code = 'other') {
  return { code, message };
}

/** Wraps the exported object: anything thrown but an error of the contract is reported with its stack, then traps. */
export function guard(callback) {
  const guarded = ([name, phase]) => [name, (...given) => reporting(() => phase.apply(callback, given))];
  return Object.fromEntries(Object.entries(callback).map(guarded));
}

/**
 * `scope((use) => { const loss = use(ctx.loss()); … })` frees the handles that went through `use` on every way out,
 * tensors and groups in one crossing. Give it owned handles only: the lent context is returned without it.
 */
export function scope(body) {
  const handles = [];
  const use = (handle) => (handles.push(handle), handle);
  try {
    return body(use);
  } finally {
    free(handles);
  }
}

function free(handles) {
  const tensors = handles.filter((handle) => handle instanceof Tensor);
  const groups = handles.filter((handle) => handle instanceof TensorGroup);
  if (tensors.length + groups.length > 0) release(tensors, groups);
  const others = handles.filter((handle) => !(handle instanceof Tensor || handle instanceof TensorGroup));
  for (const handle of others) handle[Symbol.dispose]();
}

/** The contract's error in a thrown value, the callback's own or the host's; undefined for a bug. */
export function contractError(thrown) {
  const error = thrown?.payload ?? thrown;
  return typeof error?.code === 'string' && !(error instanceof Error) ? error : undefined;
}

function reporting(call) {
  try {
    return call();
  } catch (thrown) {
    if (!contractError(thrown)) {
      const stack = String(thrown?.stack ?? '');
      reportFailure(String(thrown), stack.split('\n')[0], stack);
    }
    throw thrown;
  }
}
