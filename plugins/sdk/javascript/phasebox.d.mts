/** Types of phasebox.mjs, which says what each function is for. */
/// <reference path="./contract.d.ts" />

type ErrorCode = import('phasebox:train/types@0.1.0').ErrorCode;
type ContractError = import('phasebox:train/types@0.1.0').ContractError;

declare global {
  /** What an engine without a browser has of it; each writes to the run's log, at its level. */
  interface Console {
    trace(...values: unknown[]): void;
    debug(...values: unknown[]): void;
    log(...values: unknown[]): void;
    info(...values: unknown[]): void;
    warn(...values: unknown[]): void;
    error(...values: unknown[]): void;
  }
  var console: Console;
}

export function refuse(message: string, code?: ErrorCode): ContractError;
export function contractError(thrown: unknown): ContractError | undefined;
export function release(...handles: object[]): void;
export function scope<T>(body: (use: <H extends object>(handle: H) => H) => T): T;
export const tensor: typeof import('phasebox:train/tensor@0.1.0');

interface Rules {
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  enum?: unknown[];
}

/** A parameter whose value has type T. */
export interface Parameter<T> {
  first: T | undefined;
}

export function number(first: number | undefined, description?: string, rules?: Rules): Parameter<number>;
export function whole(first: number | undefined, description?: string, rules?: Rules): Parameter<number>;
export function text(first: string | undefined, description?: string, rules?: Rules): Parameter<string>;
export function flag(first: boolean | undefined, description?: string, rules?: Rules): Parameter<boolean>;
export function list<T = unknown>(first: T[] | undefined, description?: string, rules?: Rules): Parameter<T[]>;

export class Later {
  ask(value: () => import('phasebox:train/tensor@0.1.0').Tensor): void;
  take(): number | undefined;
}
export function later(): Later;

type Values<P> = { [K in keyof P]: P[K] extends Parameter<infer T> ? T : never };

interface Description<P, S> {
  name: string;
  version?: string;
  summary?: string;
  grants?: string[];
  metrics?: string[];
  state_version?: number;
  params?: P;
  state?: S;
  configure?(): void;
  saveState?(): Uint8Array | string;
  loadState?(state: Uint8Array): void;
}

export type PhaseContext = import('phasebox:train/context@0.1.0').PhaseContext;
export type Tensor = import('phasebox:train/tensor@0.1.0').Tensor;

export function define<P extends Record<string, Parameter<any>>, S extends object, M extends object>(
  callback: Description<P, S> & M & ThisType<M & { params: Values<P>; state: S }>,
): object;
