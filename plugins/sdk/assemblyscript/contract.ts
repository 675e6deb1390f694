// The contract's functions and types. Written by `plugins/sdk/bindings.py` from `wit/`: a change here is lost.
// Tensors and groups end with the call, unless they were kept. Numbers that may be missing are `NaN` where they are given.

import { AREA, Handle, Maybe, Pair, Position, Progress, Result, Failure, Tracked, entries, entryList, failure, untrack,
  handles, numbers, text, textList, texts } from "./memory";

/// Why a call was refused.
export enum ErrorCode {
  InvalidArgument,
  ShapeMismatch,
  DtypeMismatch,
  DeviceMismatch,
  NotAvailable,
  StaleHandle,
  Denied,
  QuotaExceeded,
  TooLarge,
  OutOfMemory,
  Unsupported,
  CollectiveMismatch,
  PeerFailed,
  Sharded,
  TimedOut,
  Interrupted,
  Conflict,
  InputOutput,
  Other,
}

/// Element type of a tensor, by PyTorch's name. Tensors of the first ten can be made and have
/// operations. The others describe a tensor that the trainer has, and `other` stands for a type
/// that has no name here, such as a quantized one: to make one of them is a `dtype-mismatch`.
export enum Dtype {
  Uint8,
  Int8,
  Int16,
  Int32,
  Int64,
  Float16,
  Bfloat16,
  Float32,
  Float64,
  Boolean,
  Uint16,
  Uint32,
  Uint64,
  Float8E4m3fn,
  Float8E5m2,
  Float8E4m3fnuz,
  Float8E5m2fnuz,
  Float8E8m0fnu,
  Float4E2m1fnX2,
  Complex32,
  Complex64,
  Complex128,
  Other,
}

/// Severity of a log line.
export enum Level {
  Trace,
  Debug,
  Info,
  Warn,
  Error,
}

/// The facts about a tensor that are known without reading its data.
export class TensorInfo {
  constructor(public shape: Array<i64>, public dtype: Dtype, public device: string, public requiresGrad: bool) {}
}

/// A named number, such as one metric.
export class ScalarEntry {
  constructor(public name: string, public value: f64) {}
}

/// A number on its way from the device. It outlives the call that made it, works in
/// `save-state` too, and may be dropped before its value has arrived. Once the value has
/// arrived, every `poll` and `wait` returns it.
export class Deferred extends Handle {
  /** Gives the handle back now; otherwise that happens at the end of the call. */
  drop(): void {
    if (this.untrack()) drop_deferred(this.handle);
    this.handle = 0;
  }

  /** The value, or none while it is still on its way. Never syncs. With `deterministic_callbacks: true` it waits instead; that wait needs no grant. */
  poll(): Result<Maybe<f64>> {
    tensor_deferred_poll(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Maybe<f64>>(failure(8));
    return Result.of<Maybe<f64>>(new Maybe<f64>(load<u8>(AREA, 8) != 0, load<f64>(AREA, 16)));
  }

  /** The value. Syncs if it has not arrived. */
  wait(): Result<f64> {
    tensor_deferred_wait(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<f64>(failure(8));
    return Result.of<f64>(load<f64>(AREA, 8));
  }
}

@external("phasebox:train/tensor@0.1.0", "[resource-drop]deferred")
export declare function drop_deferred(handle: i32): void;
@external("phasebox:train/tensor@0.1.0", "[method]deferred.poll")
export declare function tensor_deferred_poll(p0: i32, p1: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]deferred.wait")
export declare function tensor_deferred_wait(p0: i32, p1: usize): void;

/// One tensor of the trainer or of the callback.
export class Tensor extends Tracked {
  /** Gives the handle back now; otherwise that happens at the end of the call. */
  drop(): void {
    if (this.untrack()) drop_tensor(this.handle);
    this.handle = 0;
  }

  /** Keeps the handle beyond the call; `drop` ends it. */
  lasting(): Tensor {
    this.untrack();
    return this;
  }

  /** Shape, dtype, device and requires-grad in one crossing. */
  info(): Result<TensorInfo> {
    tensor_tensor_info(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<TensorInfo>(failure(4));
    return Result.of<TensorInfo>(new TensorInfo(numbers<i64>(AREA + 4), <Dtype>load<u8>(AREA, 12), text(AREA + 16), load<u8>(AREA, 24) != 0));
  }

  /** A handle that lasts until it is dropped, charged to the callback's `tensors` limit. A tensor of the trainer is copied on the device, because training goes on to change it. The callback's own results are kept as they are, except views of something larger, which are copied. */
  keep(): Result<Tensor> {
    tensor_tensor_keep(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)).lasting());
  }

  /** The only element, as f64. Syncs. */
  item(): Result<f64> {
    tensor_tensor_item(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<f64>(failure(8));
    return Result.of<f64>(load<f64>(AREA, 8));
  }

  /** The only element, delivered later. Queues one small copy; the value is that of this moment, whatever is changed in place afterwards. */
  defer(): Result<Deferred> {
    tensor_tensor_defer(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Deferred>(failure(4));
    return Result.of<Deferred>(new Deferred(load<i32>(AREA, 4)));
  }

  /** `length` elements from `offset` on, in row-major order, converted to f32. Copies them to the callback and syncs. At most 4 Mi elements a call (`too-large`): read in pieces. */
  readF32(offset: u64, length: u32): Result<Array<f32>> {
    tensor_tensor_read_f32(this.handle, offset, length, AREA);
    if (load<u8>(AREA)) return Result.failed<Array<f32>>(failure(4));
    return Result.of<Array<f32>>(numbers<f32>(AREA + 4));
  }

  /** `length` elements from `offset` on, in row-major order, converted to s64: labels, indices, counts. Copies them to the callback and syncs. At most 2 Mi elements a call (`too-large`): read in pieces. */
  readS64(offset: u64, length: u32): Result<Array<i64>> {
    tensor_tensor_read_s64(this.handle, offset, length, AREA);
    if (load<u8>(AREA)) return Result.failed<Array<i64>>(failure(4));
    return Result.of<Array<i64>>(numbers<i64>(AREA + 4));
  }

  /** self + alpha × other */
  add(other: Tensor, alpha: f64): Result<Tensor> {
    tensor_tensor_add(this.handle, other.handle, alpha, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** self − other */
  sub(other: Tensor): Result<Tensor> {
    tensor_tensor_sub(this.handle, other.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** self × other */
  mul(other: Tensor): Result<Tensor> {
    tensor_tensor_mul(this.handle, other.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** self / other. True division: integers become floats. */
  div(other: Tensor): Result<Tensor> {
    tensor_tensor_div(this.handle, other.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** The larger of both, element by element. */
  maximum(other: Tensor): Result<Tensor> {
    tensor_tensor_maximum(this.handle, other.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** The smaller of both, element by element. */
  minimum(other: Tensor): Result<Tensor> {
    tensor_tensor_minimum(this.handle, other.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** self + weight × (end − self) */
  lerp(end: Tensor, weight: f64): Result<Tensor> {
    tensor_tensor_lerp(this.handle, end.handle, weight, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** The angle of the point (other, self) in radians, from −π to π. Integers become floats. */
  atan2(other: Tensor): Result<Tensor> {
    tensor_tensor_atan2(this.handle, other.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** Limits each element to [min, max], which are tensors. For one bound use `maximum` or `minimum`. Where min is above max, the result is max. */
  clampBetween(min: Tensor, max: Tensor): Result<Tensor> {
    tensor_tensor_clamp_between(this.handle, min.handle, max.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** self × scale + shift, in one crossing. */
  affine(scale: f64, shift: f64): Result<Tensor> {
    tensor_tensor_affine(this.handle, scale, shift, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** Each element to the power of `exponent`. */
  pow(exponent: f64): Result<Tensor> {
    tensor_tensor_pow(this.handle, exponent, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** Limits each element to [min, max]; give at least one of them. */
  clamp(min: f64, max: f64): Result<Tensor> {
    tensor_tensor_clamp(this.handle, isNaN(min) ? 0 : 1, min, isNaN(max) ? 0 : 1, max, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** −self */
  neg(): Result<Tensor> {
    tensor_tensor_neg(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** The magnitude of each element. */
  abs(): Result<Tensor> {
    tensor_tensor_abs(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** −1, 0 or 1 by the sign of each element. */
  sign(): Result<Tensor> {
    tensor_tensor_sign(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** e to the power of each element. */
  exp(): Result<Tensor> {
    tensor_tensor_exp(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** The natural logarithm. */
  log(): Result<Tensor> {
    tensor_tensor_log(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** The natural logarithm of 1 + self, exact for small elements. */
  log1p(): Result<Tensor> {
    tensor_tensor_log1p(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** e to the power of each element, minus 1; exact for small elements. */
  expm1(): Result<Tensor> {
    tensor_tensor_expm1(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** The error function. */
  erf(): Result<Tensor> {
    tensor_tensor_erf(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** The square root. */
  sqrt(): Result<Tensor> {
    tensor_tensor_sqrt(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** 1 / the square root. */
  rsqrt(): Result<Tensor> {
    tensor_tensor_rsqrt(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** The sine; elements are radians. */
  sin(): Result<Tensor> {
    tensor_tensor_sin(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** The cosine; elements are radians. */
  cos(): Result<Tensor> {
    tensor_tensor_cos(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** The largest whole number that is not above each element. */
  floor(): Result<Tensor> {
    tensor_tensor_floor(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** The nearest whole number; halves go to the even one. */
  round(): Result<Tensor> {
    tensor_tensor_round(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** The hyperbolic tangent. */
  tanh(): Result<Tensor> {
    tensor_tensor_tanh(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** 1 / (1 + exp(−self)) */
  sigmoid(): Result<Tensor> {
    tensor_tensor_sigmoid(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** Each element, or 0 if it is negative. */
  relu(): Result<Tensor> {
    tensor_tensor_relu(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** Softmax over dimension `dim`. A negative dimension counts from the end, here and everywhere. */
  softmax(dim: i64): Result<Tensor> {
    tensor_tensor_softmax(this.handle, dim, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** The logarithm of the softmax over dimension `dim`. */
  logSoftmax(dim: i64): Result<Tensor> {
    tensor_tensor_log_softmax(this.handle, dim, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** The running sum along dimension `dim`. */
  cumsum(dim: i64): Result<Tensor> {
    tensor_tensor_cumsum(this.handle, dim, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** Replaces not-a-number by `nan`, and each infinity by a number. Without a number it is the largest or the smallest that the dtype has. */
  nanToNum(nan: f64, positiveInfinity: f64, negativeInfinity: f64): Result<Tensor> {
    tensor_tensor_nan_to_num(this.handle, nan, isNaN(positiveInfinity) ? 0 : 1, positiveInfinity, isNaN(negativeInfinity) ? 0 : 1, negativeInfinity, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** `value` where `mask`, a boolean tensor that broadcasts, is true; elements of `self` elsewhere. A fraction is refused for integers. */
  maskedFill(mask: Tensor, value: f64): Result<Tensor> {
    tensor_tensor_masked_fill(this.handle, mask.handle, value, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** self = other */
  eq(other: Tensor): Result<Tensor> {
    tensor_tensor_eq(this.handle, other.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** self ≠ other */
  ne(other: Tensor): Result<Tensor> {
    tensor_tensor_ne(this.handle, other.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** self < other */
  lt(other: Tensor): Result<Tensor> {
    tensor_tensor_lt(this.handle, other.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** self ≤ other */
  le(other: Tensor): Result<Tensor> {
    tensor_tensor_le(this.handle, other.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** self > other */
  gt(other: Tensor): Result<Tensor> {
    tensor_tensor_gt(this.handle, other.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** self ≥ other */
  ge(other: Tensor): Result<Tensor> {
    tensor_tensor_ge(this.handle, other.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** self = value */
  eqScalar(value: f64): Result<Tensor> {
    tensor_tensor_eq_scalar(this.handle, value, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** self ≠ value */
  neScalar(value: f64): Result<Tensor> {
    tensor_tensor_ne_scalar(this.handle, value, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** self < value */
  ltScalar(value: f64): Result<Tensor> {
    tensor_tensor_lt_scalar(this.handle, value, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** self ≤ value */
  leScalar(value: f64): Result<Tensor> {
    tensor_tensor_le_scalar(this.handle, value, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** self > value */
  gtScalar(value: f64): Result<Tensor> {
    tensor_tensor_gt_scalar(this.handle, value, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** self ≥ value */
  geScalar(value: f64): Result<Tensor> {
    tensor_tensor_ge_scalar(this.handle, value, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** True where an element is neither infinite nor not-a-number. */
  isfinite(): Result<Tensor> {
    tensor_tensor_isfinite(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** True where an element is not-a-number. */
  isnan(): Result<Tensor> {
    tensor_tensor_isnan(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** True where an element is infinite. */
  isinf(): Result<Tensor> {
    tensor_tensor_isinf(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** True where an element is zero or false. */
  logicalNot(): Result<Tensor> {
    tensor_tensor_logical_not(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** True where both are neither zero nor false. */
  logicalAnd(other: Tensor): Result<Tensor> {
    tensor_tensor_logical_and(this.handle, other.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** True where one of both is neither zero nor false. */
  logicalOr(other: Tensor): Result<Tensor> {
    tensor_tensor_logical_or(this.handle, other.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** True where exactly one of both is neither zero nor false. */
  logicalXor(other: Tensor): Result<Tensor> {
    tensor_tensor_logical_xor(this.handle, other.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** Elements of `if-true` where `self`, a boolean tensor, is true, and of `if-false` elsewhere (torch.where). */
  choose(ifTrue: Tensor, ifFalse: Tensor): Result<Tensor> {
    tensor_tensor_choose(this.handle, ifTrue.handle, ifFalse.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** As `choose`, with a number where `self` is true. A whole number keeps the dtype of integers. */
  chooseIfTrueScalar(ifTrue: f64, ifFalse: Tensor): Result<Tensor> {
    tensor_tensor_choose_if_true_scalar(this.handle, ifTrue, ifFalse.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** As `choose`, with a number where `self` is false. A whole number keeps the dtype of integers. */
  chooseIfFalseScalar(ifTrue: Tensor, ifFalse: f64): Result<Tensor> {
    tensor_tensor_choose_if_false_scalar(this.handle, ifTrue.handle, ifFalse, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** As `choose`, with a number on both sides (float32). */
  chooseScalars(ifTrue: f64, ifFalse: f64): Result<Tensor> {
    tensor_tensor_choose_scalars(this.handle, ifTrue, ifFalse, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** The sum over `dims`. Integers and booleans become int64. */
  sum(dims: Array<i64>, keepdim: bool): Result<Tensor> {
    tensor_tensor_sum(this.handle, dims.dataStart, dims.length, keepdim ? 1 : 0, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** The mean over `dims`, of a floating point tensor. */
  mean(dims: Array<i64>, keepdim: bool): Result<Tensor> {
    tensor_tensor_mean(this.handle, dims.dataStart, dims.length, keepdim ? 1 : 0, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** The product over `dims`. Integers and booleans become int64. */
  prod(dims: Array<i64>, keepdim: bool): Result<Tensor> {
    tensor_tensor_prod(this.handle, dims.dataStart, dims.length, keepdim ? 1 : 0, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** The logarithm of the sum of e to the power of each element over `dims`, without overflow. Integers become floats. */
  logsumexp(dims: Array<i64>, keepdim: bool): Result<Tensor> {
    tensor_tensor_logsumexp(this.handle, dims.dataStart, dims.length, keepdim ? 1 : 0, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** The smallest element over `dims`. */
  amin(dims: Array<i64>, keepdim: bool): Result<Tensor> {
    tensor_tensor_amin(this.handle, dims.dataStart, dims.length, keepdim ? 1 : 0, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** The largest element over `dims`. */
  amax(dims: Array<i64>, keepdim: bool): Result<Tensor> {
    tensor_tensor_amax(this.handle, dims.dataStart, dims.length, keepdim ? 1 : 0, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** The standard deviation over `dims`; `unbiased` divides by n − 1. */
  std(dims: Array<i64>, unbiased: bool, keepdim: bool): Result<Tensor> {
    tensor_tensor_std(this.handle, dims.dataStart, dims.length, unbiased ? 1 : 0, keepdim ? 1 : 0, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** The variance over `dims`; `unbiased` divides by n − 1. */
  var(dims: Array<i64>, unbiased: bool, keepdim: bool): Result<Tensor> {
    tensor_tensor_var(this.handle, dims.dataStart, dims.length, unbiased ? 1 : 0, keepdim ? 1 : 0, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** The vector p-norm over `dims`; p may be 0 (the count of nonzero elements) or infinite (the largest magnitude). */
  norm(p: f64, dims: Array<i64>, keepdim: bool): Result<Tensor> {
    tensor_tensor_norm(this.handle, p, dims.dataStart, dims.length, keepdim ? 1 : 0, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** True if no element is zero or false (0-d). */
  all(): Result<Tensor> {
    tensor_tensor_all(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** True if an element is neither zero nor false (0-d). */
  any(): Result<Tensor> {
    tensor_tensor_any(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** The index of the largest element along dimension `dim` (int64). */
  argmax(dim: i64, keepdim: bool): Result<Tensor> {
    tensor_tensor_argmax(this.handle, dim, keepdim ? 1 : 0, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** The index of the smallest element along dimension `dim` (int64). */
  argmin(dim: i64, keepdim: bool): Result<Tensor> {
    tensor_tensor_argmin(this.handle, dim, keepdim ? 1 : 0, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** The median of all elements, the lower one of an even number of them (0-d). It is not-a-number if any element is. A tensor without elements is refused. */
  median(): Result<Tensor> {
    tensor_tensor_median(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** (values, indices) of the medians along dimension `dim`, as `median` defines them. Of equal elements any may be the one that `indices` names. */
  medianDim(dim: i64, keepdim: bool): Result<Pair> {
    tensor_tensor_median_dim(this.handle, dim, keepdim ? 1 : 0, AREA);
    if (load<u8>(AREA)) return Result.failed<Pair>(failure(4));
    return Result.of<Pair>(new Pair(new Tensor(load<i32>(AREA, 4)), new Tensor(load<i32>(AREA, 8))));
  }

  /** (values, indices) of all elements along dimension `dim` in order. Equal elements keep their order, and not-a-number counts as the largest. */
  sort(dim: i64, descending: bool): Result<Pair> {
    tensor_tensor_sort(this.handle, dim, descending ? 1 : 0, AREA);
    if (load<u8>(AREA)) return Result.failed<Pair>(failure(4));
    return Result.of<Pair>(new Pair(new Tensor(load<i32>(AREA, 4)), new Tensor(load<i32>(AREA, 8))));
  }

  /** (values, indices) of the `k` largest elements along `dim`, largest first. */
  topk(k: u32, dim: i64): Result<Pair> {
    tensor_tensor_topk(this.handle, k, dim, AREA);
    if (load<u8>(AREA)) return Result.failed<Pair>(failure(4));
    return Result.of<Pair>(new Pair(new Tensor(load<i32>(AREA, 4)), new Tensor(load<i32>(AREA, 8))));
  }

  /** The q-quantile (0–1, linear interpolation) of all elements, at most 16 Mi of them (0-d). */
  quantile(q: f64): Result<Tensor> {
    tensor_tensor_quantile(this.handle, q, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** Counts of `bins` equal bins over [min, max], 1 to 65,536 of them (1-d, float32). Elements outside the range are not counted. */
  histogram(bins: u32, min: f64, max: f64): Result<Tensor> {
    tensor_tensor_histogram(this.handle, bins, min, max, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** The number of elements that are not zero (0-d, int64). */
  countNonzero(): Result<Tensor> {
    tensor_tensor_count_nonzero(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** The number of elements that are infinite or not-a-number (0-d, int64). */
  countNonfinite(): Result<Tensor> {
    tensor_tensor_count_nonfinite(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** The entries `indices` (1-d) of dimension `dim`. */
  indexSelect(dim: i64, indices: Tensor): Result<Tensor> {
    tensor_tensor_index_select(this.handle, dim, indices.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** The element of dimension `dim` that `indices` names, for each of them: for `dim` 1 of two, result[i][j] = self[i][indices[i][j]]. Has the shape of `indices`, which has as many dimensions as `self` and is nowhere longer, but along `dim`. */
  gather(dim: i64, indices: Tensor): Result<Tensor> {
    tensor_tensor_gather(this.handle, dim, indices.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** A copy of `self` in which elements of `source` replace those that `indices` names along `dim`: for `dim` 1 of two, result[i][indices[i][j]] = source[i][j]. `indices` is nowhere longer than `source`, nor than `self` but along `dim`; the dtypes are equal. Of several elements for one place any may be the last. */
  scatter(dim: i64, indices: Tensor, source: Tensor): Result<Tensor> {
    tensor_tensor_scatter(this.handle, dim, indices.handle, source.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** As `scatter`, with one number for every place. A fraction is refused for integers. */
  scatterScalar(dim: i64, indices: Tensor, value: f64): Result<Tensor> {
    tensor_tensor_scatter_scalar(this.handle, dim, indices.handle, value, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** As `scatter`, but elements of `source` are added. On a GPU the order of several additions to one place, and so the last bits of their sum, can differ from run to run. */
  scatterAdd(dim: i64, indices: Tensor, source: Tensor): Result<Tensor> {
    tensor_tensor_scatter_add(this.handle, dim, indices.handle, source.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** The elements where `mask`, a boolean tensor, is true, in row-major order (1-d). Both broadcast. Syncs, since the device decides how many there are. */
  maskedSelect(mask: Tensor): Result<Tensor> {
    tensor_tensor_masked_select(this.handle, mask.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** The places of elements that are neither zero nor false: one row for each of them, with one index for each dimension (2-d, int64), in row-major order. Syncs, since the device decides how many there are. */
  nonzero(): Result<Tensor> {
    tensor_tensor_nonzero(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** The elements in another shape; one length may be −1. A view where possible, otherwise a copy. */
  reshape(shape: Array<i64>): Result<Tensor> {
    tensor_tensor_reshape(this.handle, shape.dataStart, shape.length, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** A view with the dimensions in the order `dims`. */
  permute(dims: Array<i64>): Result<Tensor> {
    tensor_tensor_permute(this.handle, dims.dataStart, dims.length, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** A view with two dimensions exchanged. */
  transpose(dim0: i64, dim1: i64): Result<Tensor> {
    tensor_tensor_transpose(this.handle, dim0, dim1, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** A view without dimension `dim`, if its length is 1. */
  squeeze(dim: i64): Result<Tensor> {
    tensor_tensor_squeeze(this.handle, dim, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** A view with a new dimension of length 1 at `dim`. */
  unsqueeze(dim: i64): Result<Tensor> {
    tensor_tensor_unsqueeze(this.handle, dim, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** A view that repeats dimensions of length 1 without copying. */
  expand(shape: Array<i64>): Result<Tensor> {
    tensor_tensor_expand(this.handle, shape.dataStart, shape.length, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** A view of `length` entries of dimension `dim` from `start` on. */
  narrow(dim: i64, start: i64, length: i64): Result<Tensor> {
    tensor_tensor_narrow(this.handle, dim, start, length, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** A view of entry `index` of dimension `dim`, without that dimension. */
  select(dim: i64, index: i64): Result<Tensor> {
    tensor_tensor_select(this.handle, dim, index, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** The entries of dimensions `dims` in reverse order. A copy. */
  flip(dims: Array<i64>): Result<Tensor> {
    tensor_tensor_flip(this.handle, dims.dataStart, dims.length, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** The entries of `dim` moved by `shift`; entries that leave one end enter at the other. A copy. */
  roll(shift: i64, dim: i64): Result<Tensor> {
    tensor_tensor_roll(this.handle, shift, dim, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** A copy with more entries around. `padding` has the number before and after for the last dimension, then for the one before it, and so on, each at least 0. `mode` says what the new entries are: `constant` (`value`), `reflect` (mirrored, without the edge), `replicate` (the edge) or `circular` (from the other end). All but `constant` pad the last 1 to 3 dimensions, of a tensor with 1 or 2 dimensions more, and take `value` 0 alone. `reflect` needs a dimension longer than its padding, `circular` one at least as long. */
  pad(padding: Array<i64>, mode: string, value: f64): Result<Tensor> {
    tensor_tensor_pad(this.handle, padding.dataStart, padding.length, changetype<usize>(mode), mode.length, value, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** Images [N, C, H, W] in another size. `mode` is `nearest`, `bilinear` or `bicubic`, with PyTorch's `align_corners=False` and without antialiasing. For floating point tensors; `nearest` also takes uint8. */
  interpolate(height: u32, width: u32, mode: string): Result<Tensor> {
    tensor_tensor_interpolate(this.handle, height, width, changetype<usize>(mode), mode.length, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** The matrix product as torch.matmul, batches included. At most 2³⁵ multiplications a call (`too-large`). */
  matmul(other: Tensor): Result<Tensor> {
    tensor_tensor_matmul(this.handle, other.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** Integer classes to {0, 1} in a new last dimension (float32), for 1 to 65,536 classes. A value outside 0..num-classes gives a row of zeros, never a device fault. */
  oneHot(numClasses: u32): Result<Tensor> {
    tensor_tensor_one_hot(this.handle, numClasses, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** The elements as another dtype. A view if the dtype is the same. */
  toDtype(dtype: Dtype): Result<Tensor> {
    tensor_tensor_to_dtype(this.handle, dtype, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** The tensor on "cpu", "cuda:0", or "" for the run's device. Syncs on the way to the CPU. A view if the device is the same. */
  toDevice(device: string): Result<Tensor> {
    tensor_tensor_to_device(this.handle, changetype<usize>(device), device.length, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** The elements in row-major order in memory. A view if they are already. */
  contiguous(): Result<Tensor> {
    tensor_tensor_contiguous(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** A view that autograd does not follow. */
  detach(): Result<Tensor> {
    tensor_tensor_detach(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** A copy on the same device, which ends with the call like every result. */
  duplicate(): Result<Tensor> {
    tensor_tensor_duplicate(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** self ← source, which broadcasts. Converts the dtype. */
  copyInPlace(source: Tensor): Failure | null {
    tensor_tensor_copy_in_place(this.handle, source.handle, AREA);
    return load<u8>(AREA) ? failure(4) : null;
  }

  /** self ← self + alpha × other */
  addInPlace(other: Tensor, alpha: f64): Failure | null {
    tensor_tensor_add_in_place(this.handle, other.handle, alpha, AREA);
    return load<u8>(AREA) ? failure(4) : null;
  }

  /** self ← self × other */
  mulInPlace(other: Tensor): Failure | null {
    tensor_tensor_mul_in_place(this.handle, other.handle, AREA);
    return load<u8>(AREA) ? failure(4) : null;
  }

  /** self ← self × scale + shift */
  affineInPlace(scale: f64, shift: f64): Failure | null {
    tensor_tensor_affine_in_place(this.handle, scale, shift, AREA);
    return load<u8>(AREA) ? failure(4) : null;
  }

  /** self ← self + weight × (end − self) */
  lerpInPlace(end: Tensor, weight: f64): Failure | null {
    tensor_tensor_lerp_in_place(this.handle, end.handle, weight, AREA);
    return load<u8>(AREA) ? failure(4) : null;
  }

  /** Limits each element to [min, max]; give at least one of them. */
  clampInPlace(min: f64, max: f64): Failure | null {
    tensor_tensor_clamp_in_place(this.handle, isNaN(min) ? 0 : 1, min, isNaN(max) ? 0 : 1, max, AREA);
    return load<u8>(AREA) ? failure(4) : null;
  }

  /** Sets every element to `value`. */
  fillInPlace(value: f64): Failure | null {
    tensor_tensor_fill_in_place(this.handle, value, AREA);
    return load<u8>(AREA) ? failure(4) : null;
  }

  /** Fills a floating point tensor with normal noise. It comes from the callback's own generator, so the run's own random numbers do not change. The host draws the numbers on the CPU and copies them to the device. Grant `random`, and the grant of the tensor that is changed. */
  normalInPlace(mean: f64, std: f64): Failure | null {
    tensor_tensor_normal_in_place(this.handle, mean, std, AREA);
    return load<u8>(AREA) ? failure(4) : null;
  }

  /** Sets elements to `value` where `mask`, a boolean tensor that broadcasts, is true. */
  maskedFillInPlace(mask: Tensor, value: f64): Failure | null {
    tensor_tensor_masked_fill_in_place(this.handle, mask.handle, value, AREA);
    return load<u8>(AREA) ? failure(4) : null;
  }
}

@external("phasebox:train/tensor@0.1.0", "[resource-drop]tensor")
export declare function drop_tensor(handle: i32): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.info")
export declare function tensor_tensor_info(p0: i32, p1: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.keep")
export declare function tensor_tensor_keep(p0: i32, p1: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.item")
export declare function tensor_tensor_item(p0: i32, p1: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.defer")
export declare function tensor_tensor_defer(p0: i32, p1: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.read-f32")
export declare function tensor_tensor_read_f32(p0: i32, p1: i64, p2: i32, p3: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.read-s64")
export declare function tensor_tensor_read_s64(p0: i32, p1: i64, p2: i32, p3: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.add")
export declare function tensor_tensor_add(p0: i32, p1: i32, p2: f64, p3: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.sub")
export declare function tensor_tensor_sub(p0: i32, p1: i32, p2: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.mul")
export declare function tensor_tensor_mul(p0: i32, p1: i32, p2: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.div")
export declare function tensor_tensor_div(p0: i32, p1: i32, p2: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.maximum")
export declare function tensor_tensor_maximum(p0: i32, p1: i32, p2: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.minimum")
export declare function tensor_tensor_minimum(p0: i32, p1: i32, p2: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.lerp")
export declare function tensor_tensor_lerp(p0: i32, p1: i32, p2: f64, p3: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.atan2")
export declare function tensor_tensor_atan2(p0: i32, p1: i32, p2: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.clamp-between")
export declare function tensor_tensor_clamp_between(p0: i32, p1: i32, p2: i32, p3: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.affine")
export declare function tensor_tensor_affine(p0: i32, p1: f64, p2: f64, p3: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.pow")
export declare function tensor_tensor_pow(p0: i32, p1: f64, p2: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.clamp")
export declare function tensor_tensor_clamp(p0: i32, p1: i32, p2: f64, p3: i32, p4: f64, p5: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.neg")
export declare function tensor_tensor_neg(p0: i32, p1: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.abs")
export declare function tensor_tensor_abs(p0: i32, p1: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.sign")
export declare function tensor_tensor_sign(p0: i32, p1: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.exp")
export declare function tensor_tensor_exp(p0: i32, p1: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.log")
export declare function tensor_tensor_log(p0: i32, p1: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.log1p")
export declare function tensor_tensor_log1p(p0: i32, p1: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.expm1")
export declare function tensor_tensor_expm1(p0: i32, p1: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.erf")
export declare function tensor_tensor_erf(p0: i32, p1: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.sqrt")
export declare function tensor_tensor_sqrt(p0: i32, p1: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.rsqrt")
export declare function tensor_tensor_rsqrt(p0: i32, p1: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.sin")
export declare function tensor_tensor_sin(p0: i32, p1: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.cos")
export declare function tensor_tensor_cos(p0: i32, p1: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.floor")
export declare function tensor_tensor_floor(p0: i32, p1: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.round")
export declare function tensor_tensor_round(p0: i32, p1: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.tanh")
export declare function tensor_tensor_tanh(p0: i32, p1: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.sigmoid")
export declare function tensor_tensor_sigmoid(p0: i32, p1: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.relu")
export declare function tensor_tensor_relu(p0: i32, p1: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.softmax")
export declare function tensor_tensor_softmax(p0: i32, p1: i64, p2: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.log-softmax")
export declare function tensor_tensor_log_softmax(p0: i32, p1: i64, p2: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.cumsum")
export declare function tensor_tensor_cumsum(p0: i32, p1: i64, p2: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.nan-to-num")
export declare function tensor_tensor_nan_to_num(p0: i32, p1: f64, p2: i32, p3: f64, p4: i32, p5: f64, p6: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.masked-fill")
export declare function tensor_tensor_masked_fill(p0: i32, p1: i32, p2: f64, p3: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.eq")
export declare function tensor_tensor_eq(p0: i32, p1: i32, p2: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.ne")
export declare function tensor_tensor_ne(p0: i32, p1: i32, p2: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.lt")
export declare function tensor_tensor_lt(p0: i32, p1: i32, p2: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.le")
export declare function tensor_tensor_le(p0: i32, p1: i32, p2: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.gt")
export declare function tensor_tensor_gt(p0: i32, p1: i32, p2: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.ge")
export declare function tensor_tensor_ge(p0: i32, p1: i32, p2: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.eq-scalar")
export declare function tensor_tensor_eq_scalar(p0: i32, p1: f64, p2: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.ne-scalar")
export declare function tensor_tensor_ne_scalar(p0: i32, p1: f64, p2: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.lt-scalar")
export declare function tensor_tensor_lt_scalar(p0: i32, p1: f64, p2: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.le-scalar")
export declare function tensor_tensor_le_scalar(p0: i32, p1: f64, p2: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.gt-scalar")
export declare function tensor_tensor_gt_scalar(p0: i32, p1: f64, p2: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.ge-scalar")
export declare function tensor_tensor_ge_scalar(p0: i32, p1: f64, p2: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.isfinite")
export declare function tensor_tensor_isfinite(p0: i32, p1: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.isnan")
export declare function tensor_tensor_isnan(p0: i32, p1: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.isinf")
export declare function tensor_tensor_isinf(p0: i32, p1: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.logical-not")
export declare function tensor_tensor_logical_not(p0: i32, p1: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.logical-and")
export declare function tensor_tensor_logical_and(p0: i32, p1: i32, p2: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.logical-or")
export declare function tensor_tensor_logical_or(p0: i32, p1: i32, p2: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.logical-xor")
export declare function tensor_tensor_logical_xor(p0: i32, p1: i32, p2: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.choose")
export declare function tensor_tensor_choose(p0: i32, p1: i32, p2: i32, p3: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.choose-if-true-scalar")
export declare function tensor_tensor_choose_if_true_scalar(p0: i32, p1: f64, p2: i32, p3: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.choose-if-false-scalar")
export declare function tensor_tensor_choose_if_false_scalar(p0: i32, p1: i32, p2: f64, p3: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.choose-scalars")
export declare function tensor_tensor_choose_scalars(p0: i32, p1: f64, p2: f64, p3: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.sum")
export declare function tensor_tensor_sum(p0: i32, p1: usize, p2: i32, p3: i32, p4: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.mean")
export declare function tensor_tensor_mean(p0: i32, p1: usize, p2: i32, p3: i32, p4: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.prod")
export declare function tensor_tensor_prod(p0: i32, p1: usize, p2: i32, p3: i32, p4: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.logsumexp")
export declare function tensor_tensor_logsumexp(p0: i32, p1: usize, p2: i32, p3: i32, p4: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.amin")
export declare function tensor_tensor_amin(p0: i32, p1: usize, p2: i32, p3: i32, p4: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.amax")
export declare function tensor_tensor_amax(p0: i32, p1: usize, p2: i32, p3: i32, p4: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.std")
export declare function tensor_tensor_std(p0: i32, p1: usize, p2: i32, p3: i32, p4: i32, p5: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.var")
export declare function tensor_tensor_var(p0: i32, p1: usize, p2: i32, p3: i32, p4: i32, p5: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.norm")
export declare function tensor_tensor_norm(p0: i32, p1: f64, p2: usize, p3: i32, p4: i32, p5: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.all")
export declare function tensor_tensor_all(p0: i32, p1: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.any")
export declare function tensor_tensor_any(p0: i32, p1: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.argmax")
export declare function tensor_tensor_argmax(p0: i32, p1: i64, p2: i32, p3: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.argmin")
export declare function tensor_tensor_argmin(p0: i32, p1: i64, p2: i32, p3: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.median")
export declare function tensor_tensor_median(p0: i32, p1: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.median-dim")
export declare function tensor_tensor_median_dim(p0: i32, p1: i64, p2: i32, p3: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.sort")
export declare function tensor_tensor_sort(p0: i32, p1: i64, p2: i32, p3: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.topk")
export declare function tensor_tensor_topk(p0: i32, p1: i32, p2: i64, p3: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.quantile")
export declare function tensor_tensor_quantile(p0: i32, p1: f64, p2: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.histogram")
export declare function tensor_tensor_histogram(p0: i32, p1: i32, p2: f64, p3: f64, p4: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.count-nonzero")
export declare function tensor_tensor_count_nonzero(p0: i32, p1: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.count-nonfinite")
export declare function tensor_tensor_count_nonfinite(p0: i32, p1: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.index-select")
export declare function tensor_tensor_index_select(p0: i32, p1: i64, p2: i32, p3: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.gather")
export declare function tensor_tensor_gather(p0: i32, p1: i64, p2: i32, p3: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.scatter")
export declare function tensor_tensor_scatter(p0: i32, p1: i64, p2: i32, p3: i32, p4: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.scatter-scalar")
export declare function tensor_tensor_scatter_scalar(p0: i32, p1: i64, p2: i32, p3: f64, p4: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.scatter-add")
export declare function tensor_tensor_scatter_add(p0: i32, p1: i64, p2: i32, p3: i32, p4: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.masked-select")
export declare function tensor_tensor_masked_select(p0: i32, p1: i32, p2: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.nonzero")
export declare function tensor_tensor_nonzero(p0: i32, p1: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.reshape")
export declare function tensor_tensor_reshape(p0: i32, p1: usize, p2: i32, p3: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.permute")
export declare function tensor_tensor_permute(p0: i32, p1: usize, p2: i32, p3: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.transpose")
export declare function tensor_tensor_transpose(p0: i32, p1: i64, p2: i64, p3: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.squeeze")
export declare function tensor_tensor_squeeze(p0: i32, p1: i64, p2: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.unsqueeze")
export declare function tensor_tensor_unsqueeze(p0: i32, p1: i64, p2: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.expand")
export declare function tensor_tensor_expand(p0: i32, p1: usize, p2: i32, p3: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.narrow")
export declare function tensor_tensor_narrow(p0: i32, p1: i64, p2: i64, p3: i64, p4: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.select")
export declare function tensor_tensor_select(p0: i32, p1: i64, p2: i64, p3: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.flip")
export declare function tensor_tensor_flip(p0: i32, p1: usize, p2: i32, p3: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.roll")
export declare function tensor_tensor_roll(p0: i32, p1: i64, p2: i64, p3: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.pad")
export declare function tensor_tensor_pad(p0: i32, p1: usize, p2: i32, p3: usize, p4: i32, p5: f64, p6: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.interpolate")
export declare function tensor_tensor_interpolate(p0: i32, p1: i32, p2: i32, p3: usize, p4: i32, p5: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.matmul")
export declare function tensor_tensor_matmul(p0: i32, p1: i32, p2: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.one-hot")
export declare function tensor_tensor_one_hot(p0: i32, p1: i32, p2: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.to-dtype")
export declare function tensor_tensor_to_dtype(p0: i32, p1: i32, p2: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.to-device")
export declare function tensor_tensor_to_device(p0: i32, p1: usize, p2: i32, p3: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.contiguous")
export declare function tensor_tensor_contiguous(p0: i32, p1: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.detach")
export declare function tensor_tensor_detach(p0: i32, p1: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.duplicate")
export declare function tensor_tensor_duplicate(p0: i32, p1: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.copy-in-place")
export declare function tensor_tensor_copy_in_place(p0: i32, p1: i32, p2: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.add-in-place")
export declare function tensor_tensor_add_in_place(p0: i32, p1: i32, p2: f64, p3: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.mul-in-place")
export declare function tensor_tensor_mul_in_place(p0: i32, p1: i32, p2: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.affine-in-place")
export declare function tensor_tensor_affine_in_place(p0: i32, p1: f64, p2: f64, p3: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.lerp-in-place")
export declare function tensor_tensor_lerp_in_place(p0: i32, p1: i32, p2: f64, p3: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.clamp-in-place")
export declare function tensor_tensor_clamp_in_place(p0: i32, p1: i32, p2: f64, p3: i32, p4: f64, p5: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.fill-in-place")
export declare function tensor_tensor_fill_in_place(p0: i32, p1: f64, p2: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.normal-in-place")
export declare function tensor_tensor_normal_in_place(p0: i32, p1: f64, p2: f64, p3: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor.masked-fill-in-place")
export declare function tensor_tensor_masked_fill_in_place(p0: i32, p1: i32, p2: f64, p3: usize): void;

/// Many named tensors in one crossing, on multi-tensor kernels: parameters, gradients, a copy
/// of them. An operation counts as one launch, however many members there are. Changing the
/// group in place needs the grant of its members. On a group without members an operation does
/// nothing.
export class TensorGroup extends Tracked {
  /** Gives the handle back now; otherwise that happens at the end of the call. */
  drop(): void {
    if (this.untrack()) drop_tensor_group(this.handle);
    this.handle = 0;
  }

  /** Keeps the handle beyond the call; `drop` ends it. */
  lasting(): TensorGroup {
    this.untrack();
    return this;
  }

  /** Names of the members, in the order of all functions here. */
  names(): Result<Array<string>> {
    tensor_tensor_group_names(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Array<string>>(failure(4));
    return Result.of<Array<string>>(textList(AREA + 4));
  }

  /** The number of members. */
  len(): Result<u32> {
    tensor_tensor_group_len(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<u32>(failure(4));
    return Result.of<u32>(load<u32>(AREA, 4));
  }

  /** One member by its name, with the grant of the group. */
  get(name: string): Result<Tensor> {
    tensor_tensor_group_get(this.handle, changetype<usize>(name), name.length, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** The members whose names match a glob, such as `backbone.*`. They are views. */
  matching(glob: string): Result<TensorGroup> {
    tensor_tensor_group_matching(this.handle, changetype<usize>(glob), glob.length, AREA);
    if (load<u8>(AREA)) return Result.failed<TensorGroup>(failure(4));
    return Result.of<TensorGroup>(new TensorGroup(load<i32>(AREA, 4)));
  }

  /** A copy on the same device that lasts until it is dropped, charged to `tensors`. One launch for each member. */
  duplicate(): Result<TensorGroup> {
    tensor_tensor_group_duplicate(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<TensorGroup>(failure(4));
    return Result.of<TensorGroup>(new TensorGroup(load<i32>(AREA, 4)).lasting());
  }

  /** The number of elements of all members together. */
  numel(): Result<u64> {
    tensor_tensor_group_numel(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<u64>(failure(8));
    return Result.of<u64>(load<u64>(AREA, 8));
  }

  /** The p-norm over all elements of all members (0-d). */
  norm(p: f64): Result<Tensor> {
    tensor_tensor_group_norm(this.handle, p, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** The p-norm of each member, in the order of `names` (1-d). */
  norms(p: f64): Result<Tensor> {
    tensor_tensor_group_norms(this.handle, p, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** The distance of the members from those of `before` at the same position, as a share of these: the p-norm of all differences, divided by the p-norm of `before`, which counts as 1e-12 at least (0-d). How far a step moves the weights. Both groups must have the same shapes and dtypes, which are floating point. */
  relativeChange(before: TensorGroup, p: f64): Result<Tensor> {
    tensor_tensor_group_relative_change(this.handle, before.handle, p, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** The number of elements that are infinite or not-a-number (0-d, int64). */
  countNonfinite(): Result<Tensor> {
    tensor_tensor_group_count_nonfinite(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** Scales all members so that their common p-norm is at most `max-norm`. Returns the norm before (0-d) and does not sync. torch.nn.utils.clip_grad_norm_. */
  clipNormInPlace(maxNorm: f64, p: f64): Result<Tensor> {
    tensor_tensor_group_clip_norm_in_place(this.handle, maxNorm, p, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** Limits every element to [−limit, limit]. torch.nn.utils.clip_grad_value_. */
  clipValueInPlace(limit: f64): Failure | null {
    tensor_tensor_group_clip_value_in_place(this.handle, limit, AREA);
    return load<u8>(AREA) ? failure(4) : null;
  }

  /** member ← member × scale + shift */
  affineInPlace(scale: f64, shift: f64): Failure | null {
    tensor_tensor_group_affine_in_place(this.handle, scale, shift, AREA);
    return load<u8>(AREA) ? failure(4) : null;
  }

  /** member ← member × factor, a single number that is still on the device. */
  mulInPlace(factor: Tensor): Failure | null {
    tensor_tensor_group_mul_in_place(this.handle, factor.handle, AREA);
    return load<u8>(AREA) ? failure(4) : null;
  }

  /** member ← member + alpha × the member of `other` at the same position. Both groups must have the same shapes and dtypes. */
  addInPlace(other: TensorGroup, alpha: f64): Failure | null {
    tensor_tensor_group_add_in_place(this.handle, other.handle, alpha, AREA);
    return load<u8>(AREA) ? failure(4) : null;
  }

  /** member ← member + weight × (end − member), with the member of `end` at the same position. Members that are not floating point, such as counts of batches, are copied from `end`; each of them is one more launch. */
  lerpInPlace(end: TensorGroup, weight: f64): Failure | null {
    tensor_tensor_group_lerp_in_place(this.handle, end.handle, weight, AREA);
    return load<u8>(AREA) ? failure(4) : null;
  }

  /** member ← the member of `source` at the same position. */
  copyInPlace(source: TensorGroup): Failure | null {
    tensor_tensor_group_copy_in_place(this.handle, source.handle, AREA);
    return load<u8>(AREA) ? failure(4) : null;
  }

  /** Exchanges the values of both groups by a copy on the device. Needs the grants of both. */
  swapInPlace(other: TensorGroup): Failure | null {
    tensor_tensor_group_swap_in_place(this.handle, other.handle, AREA);
    return load<u8>(AREA) ? failure(4) : null;
  }
}

@external("phasebox:train/tensor@0.1.0", "[resource-drop]tensor-group")
export declare function drop_tensor_group(handle: i32): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor-group.names")
export declare function tensor_tensor_group_names(p0: i32, p1: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor-group.len")
export declare function tensor_tensor_group_len(p0: i32, p1: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor-group.get")
export declare function tensor_tensor_group_get(p0: i32, p1: usize, p2: i32, p3: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor-group.matching")
export declare function tensor_tensor_group_matching(p0: i32, p1: usize, p2: i32, p3: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor-group.duplicate")
export declare function tensor_tensor_group_duplicate(p0: i32, p1: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor-group.numel")
export declare function tensor_tensor_group_numel(p0: i32, p1: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor-group.norm")
export declare function tensor_tensor_group_norm(p0: i32, p1: f64, p2: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor-group.norms")
export declare function tensor_tensor_group_norms(p0: i32, p1: f64, p2: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor-group.relative-change")
export declare function tensor_tensor_group_relative_change(p0: i32, p1: i32, p2: f64, p3: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor-group.count-nonfinite")
export declare function tensor_tensor_group_count_nonfinite(p0: i32, p1: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor-group.clip-norm-in-place")
export declare function tensor_tensor_group_clip_norm_in_place(p0: i32, p1: f64, p2: f64, p3: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor-group.clip-value-in-place")
export declare function tensor_tensor_group_clip_value_in_place(p0: i32, p1: f64, p2: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor-group.affine-in-place")
export declare function tensor_tensor_group_affine_in_place(p0: i32, p1: f64, p2: f64, p3: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor-group.mul-in-place")
export declare function tensor_tensor_group_mul_in_place(p0: i32, p1: i32, p2: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor-group.add-in-place")
export declare function tensor_tensor_group_add_in_place(p0: i32, p1: i32, p2: f64, p3: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor-group.lerp-in-place")
export declare function tensor_tensor_group_lerp_in_place(p0: i32, p1: i32, p2: f64, p3: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor-group.copy-in-place")
export declare function tensor_tensor_group_copy_in_place(p0: i32, p1: i32, p2: usize): void;
@external("phasebox:train/tensor@0.1.0", "[method]tensor-group.swap-in-place")
export declare function tensor_tensor_group_swap_in_place(p0: i32, p1: i32, p2: usize): void;

/// The network in training, or its moving average.
export class Model extends Handle {
  /** Gives the handle back now; otherwise that happens at the end of the call. */
  drop(): void {
    if (this.untrack()) drop_model(this.handle);
    this.handle = 0;
  }

  /** "mlp", "resnet18", "torchscript", … */
  architecture(): string {
    context_model_architecture(this.handle, AREA);
    return text(AREA + 0);
  }

  /** The parameters that the optimizer trains, by name, frozen ones included: always the same members in the same order. Changing them in place needs grant `parameters`. */
  parameters(): Result<TensorGroup> {
    context_model_parameters(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<TensorGroup>(failure(4));
    return Result.of<TensorGroup>(new TensorGroup(load<i32>(AREA, 4)));
  }

  /** The gradients of the parameters that have one: from on-train-batch-backward-end to on-train-batch-optimizer-stepped; zeros afterwards. Under accumulation they are the sum so far. Always unscaled. Changing them needs grant `gradients`. The moving average has none: `not-available`. */
  gradients(): Result<TensorGroup> {
    context_model_gradients(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<TensorGroup>(failure(4));
    return Result.of<TensorGroup>(new TensorGroup(load<i32>(AREA, 4)));
  }

  /** The tensors that are saved but not trained, such as running means. Changing them in place needs grant `parameters`. */
  buffers(): Result<TensorGroup> {
    context_model_buffers(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<TensorGroup>(failure(4));
    return Result.of<TensorGroup>(new TensorGroup(load<i32>(AREA, 4)));
  }

  /** Freezes the parameters whose name matches the glob, from the next batch on, and zeroes their gradients. Returns how many match. Grant `parameters`. */
  freeze(glob: string): Result<u32> {
    context_model_freeze(this.handle, changetype<usize>(glob), glob.length, AREA);
    if (load<u8>(AREA)) return Result.failed<u32>(failure(4));
    return Result.of<u32>(load<u32>(AREA, 4));
  }

  /** Lets the parameters whose name matches the glob learn again, from the next batch on. Returns how many match. Grant `parameters`. */
  unfreeze(glob: string): Result<u32> {
    context_model_unfreeze(this.handle, changetype<usize>(glob), glob.length, AREA);
    if (load<u8>(AREA)) return Result.failed<u32>(failure(4));
    return Result.of<u32>(load<u32>(AREA, 4));
  }

  /** True if the parameter of this name learns, false if it is frozen. */
  requiresGrad(parameter: string): Result<bool> {
    context_model_requires_grad(this.handle, changetype<usize>(parameter), parameter.length, AREA);
    if (load<u8>(AREA)) return Result.failed<bool>(failure(4));
    return Result.of<bool>(load<u8>(AREA, 4) != 0);
  }

  /** An extra pass: predictions for `inputs`, one tensor for each member of `inputs-group`, in its order, each with at most the elements that a full batch of the loaders has (`too-large`). At every phase. In mode "evaluation" dropout keeps everything and batch normalization uses its running statistics; in mode "train" dropout drops and the statistics of the inputs are used. In both, running statistics and the run's random numbers stay as they were; dropout draws from the callback's own generator. Records no gradients, and does not wait for the device. Counts as one of `passes`. Grant `passes`. */
  forward(inputs: Array<Tensor>, mode: string): Result<TensorGroup> {
    const inputsList = handles<Tensor>(inputs);
    context_model_forward(this.handle, changetype<usize>(inputsList), inputs.length, changetype<usize>(mode), mode.length, AREA);
    if (load<u8>(AREA)) return Result.failed<TensorGroup>(failure(4));
    return Result.of<TensorGroup>(new TensorGroup(load<i32>(AREA, 4)));
  }
}

@external("phasebox:train/context@0.1.0", "[resource-drop]model")
export declare function drop_model(handle: i32): void;
@external("phasebox:train/context@0.1.0", "[method]model.architecture")
export declare function context_model_architecture(p0: i32, p1: usize): void;
@external("phasebox:train/context@0.1.0", "[method]model.parameters")
export declare function context_model_parameters(p0: i32, p1: usize): void;
@external("phasebox:train/context@0.1.0", "[method]model.gradients")
export declare function context_model_gradients(p0: i32, p1: usize): void;
@external("phasebox:train/context@0.1.0", "[method]model.buffers")
export declare function context_model_buffers(p0: i32, p1: usize): void;
@external("phasebox:train/context@0.1.0", "[method]model.freeze")
export declare function context_model_freeze(p0: i32, p1: usize, p2: i32, p3: usize): void;
@external("phasebox:train/context@0.1.0", "[method]model.unfreeze")
export declare function context_model_unfreeze(p0: i32, p1: usize, p2: i32, p3: usize): void;
@external("phasebox:train/context@0.1.0", "[method]model.requires-grad")
export declare function context_model_requires_grad(p0: i32, p1: usize, p2: i32, p3: usize): void;
@external("phasebox:train/context@0.1.0", "[method]model.forward")
export declare function context_model_forward(p0: i32, p1: usize, p2: i32, p3: usize, p4: i32, p5: usize): void;

/// The optimizer. Its parameter groups are named. As a `group`, "" means all groups: a function
/// that sets sets each, and a function that reads a number answers the one that all share. If
/// they differ it is refused (`invalid-argument`), and the message has each group's number.
export class Optimizer extends Handle {
  /** Gives the handle back now; otherwise that happens at the end of the call. */
  drop(): void {
    if (this.untrack()) drop_optimizer(this.handle);
    this.handle = 0;
  }

  /** "SGD", "Adam", "AdamW" or "RMSprop". */
  name(): string {
    context_optimizer_name(this.handle, AREA);
    return text(AREA + 0);
  }

  /** Names of the parameter groups, in the order of the recipe. */
  groupNames(): Array<string> {
    context_optimizer_group_names(this.handle, AREA);
    return textList(AREA + 0);
  }

  /** The learning rate that the next step uses. */
  learningRate(group: string): Result<f64> {
    context_optimizer_learning_rate(this.handle, changetype<usize>(group), group.length, AREA);
    if (load<u8>(AREA)) return Result.failed<f64>(failure(8));
    return Result.of<f64>(load<f64>(AREA, 8));
  }

  /** Sets the learning rate. The rate stays until the recipe's schedule next changes its value. With `lr_mode: constant` it stays for the rest of the run. The schedule is applied before on-epoch-start and before on-train-batch-gradient-step-end. Grant `optimizer`. */
  setLearningRate(group: string, value: f64): Failure | null {
    context_optimizer_set_learning_rate(this.handle, changetype<usize>(group), group.length, value, AREA);
    return load<u8>(AREA) ? failure(4) : null;
  }

  /** "momentum", "weight_decay", "beta1", "eps", …: the names the optimizer has. */
  hyperparameter(group: string, name: string): Result<f64> {
    context_optimizer_hyperparameter(this.handle, changetype<usize>(group), group.length, changetype<usize>(name), name.length, AREA);
    if (load<u8>(AREA)) return Result.failed<f64>(failure(8));
    return Result.of<f64>(load<f64>(AREA, 8));
  }

  /** Sets a hyperparameter. A value outside its meaningful range is refused. Grant `optimizer`. */
  setHyperparameter(group: string, name: string, value: f64): Failure | null {
    context_optimizer_set_hyperparameter(this.handle, changetype<usize>(group), group.length, changetype<usize>(name), name.length, value, AREA);
    return load<u8>(AREA) ? failure(4) : null;
  }

  /** The optimizer's tensors of one kind, such as "momentum_buffer" or "exp_avg", by parameter name. Changing them in place needs grant `optimizer`. `unsupported` is reserved for runs whose processes hold different parts of the state; there is none yet. */
  state(name: string): Result<TensorGroup> {
    context_optimizer_state(this.handle, changetype<usize>(name), name.length, AREA);
    if (load<u8>(AREA)) return Result.failed<TensorGroup>(failure(4));
    return Result.of<TensorGroup>(new TensorGroup(load<i32>(AREA, 4)));
  }

  /** `state` for the parameters of one group alone; "" is `state`. */
  groupState(group: string, name: string): Result<TensorGroup> {
    context_optimizer_group_state(this.handle, changetype<usize>(group), group.length, changetype<usize>(name), name.length, AREA);
    if (load<u8>(AREA)) return Result.failed<TensorGroup>(failure(4));
    return Result.of<TensorGroup>(new TensorGroup(load<i32>(AREA, 4)));
  }

  /** The kinds that `state` knows, such as "exp_avg"; empty if the optimizer keeps nothing. */
  stateNames(): Array<string> {
    context_optimizer_state_names(this.handle, AREA);
    return textList(AREA + 0);
  }

  /** Names of the parameters of a group; "" means of all groups, one after the other. */
  parameterNames(group: string): Result<Array<string>> {
    context_optimizer_parameter_names(this.handle, changetype<usize>(group), group.length, AREA);
    if (load<u8>(AREA)) return Result.failed<Array<string>>(failure(4));
    return Result.of<Array<string>>(textList(AREA + 4));
  }
}

@external("phasebox:train/context@0.1.0", "[resource-drop]optimizer")
export declare function drop_optimizer(handle: i32): void;
@external("phasebox:train/context@0.1.0", "[method]optimizer.name")
export declare function context_optimizer_name(p0: i32, p1: usize): void;
@external("phasebox:train/context@0.1.0", "[method]optimizer.group-names")
export declare function context_optimizer_group_names(p0: i32, p1: usize): void;
@external("phasebox:train/context@0.1.0", "[method]optimizer.learning-rate")
export declare function context_optimizer_learning_rate(p0: i32, p1: usize, p2: i32, p3: usize): void;
@external("phasebox:train/context@0.1.0", "[method]optimizer.set-learning-rate")
export declare function context_optimizer_set_learning_rate(p0: i32, p1: usize, p2: i32, p3: f64, p4: usize): void;
@external("phasebox:train/context@0.1.0", "[method]optimizer.hyperparameter")
export declare function context_optimizer_hyperparameter(p0: i32, p1: usize, p2: i32, p3: usize, p4: i32, p5: usize): void;
@external("phasebox:train/context@0.1.0", "[method]optimizer.set-hyperparameter")
export declare function context_optimizer_set_hyperparameter(p0: i32, p1: usize, p2: i32, p3: usize, p4: i32, p5: f64, p6: usize): void;
@external("phasebox:train/context@0.1.0", "[method]optimizer.state")
export declare function context_optimizer_state(p0: i32, p1: usize, p2: i32, p3: usize): void;
@external("phasebox:train/context@0.1.0", "[method]optimizer.group-state")
export declare function context_optimizer_group_state(p0: i32, p1: usize, p2: i32, p3: usize, p4: i32, p5: usize): void;
@external("phasebox:train/context@0.1.0", "[method]optimizer.state-names")
export declare function context_optimizer_state_names(p0: i32, p1: usize): void;
@external("phasebox:train/context@0.1.0", "[method]optimizer.parameter-names")
export declare function context_optimizer_parameter_names(p0: i32, p1: usize, p2: i32, p3: usize): void;

/// The loss function. Values are JSON: a stage switch sets `label_smoothing` to `0.0`.
export class Criterion extends Handle {
  /** Gives the handle back now; otherwise that happens at the end of the call. */
  drop(): void {
    if (this.untrack()) drop_criterion(this.handle);
    this.handle = 0;
  }

  /** The name in the recipe, such as "CrossEntropyLoss". */
  name(): string {
    context_criterion_name(this.handle, AREA);
    return text(AREA + 0);
  }

  /** The keys that `get` and `set` know. */
  parameters(): Array<string> {
    context_criterion_parameters(this.handle, AREA);
    return textList(AREA + 0);
  }

  /** The value of a parameter, as JSON. */
  get(key: string): Result<string> {
    context_criterion_get(this.handle, changetype<usize>(key), key.length, AREA);
    if (load<u8>(AREA)) return Result.failed<string>(failure(4));
    return Result.of<string>(text(AREA + 4));
  }

  /** Sets a parameter, from the next batch on. The value is saved in checkpoints. Grant `criterion`. */
  set(key: string, value: string): Failure | null {
    context_criterion_set(this.handle, changetype<usize>(key), key.length, changetype<usize>(value), value.length, AREA);
    return load<u8>(AREA) ? failure(4) : null;
  }
}

@external("phasebox:train/context@0.1.0", "[resource-drop]criterion")
export declare function drop_criterion(handle: i32): void;
@external("phasebox:train/context@0.1.0", "[method]criterion.name")
export declare function context_criterion_name(p0: i32, p1: usize): void;
@external("phasebox:train/context@0.1.0", "[method]criterion.parameters")
export declare function context_criterion_parameters(p0: i32, p1: usize): void;
@external("phasebox:train/context@0.1.0", "[method]criterion.get")
export declare function context_criterion_get(p0: i32, p1: usize, p2: i32, p3: usize): void;
@external("phasebox:train/context@0.1.0", "[method]criterion.set")
export declare function context_criterion_set(p0: i32, p1: usize, p2: i32, p3: usize, p4: i32, p5: usize): void;

/// A data loader. Values are JSON: a stage switch sets `horizontal_flip` to `0.0`.
export class DataLoader extends Handle {
  /** Gives the handle back now; otherwise that happens at the end of the call. */
  drop(): void {
    if (this.untrack()) drop_data_loader(this.handle);
    this.handle = 0;
  }

  /** "train", "validation" or "test". */
  name(): string {
    context_data_loader_name(this.handle, AREA);
    return text(AREA + 0);
  }

  /** Batches in one epoch. */
  batches(): u64 {
    return context_data_loader_batches(this.handle);
  }

  /** Samples in one epoch. */
  samples(): u64 {
    return context_data_loader_samples(this.handle);
  }

  /** Samples in one batch; the last batch of an epoch may have fewer. */
  batchSize(): u32 {
    return context_data_loader_batch_size(this.handle);
  }

  /** The keys that `get` and `set` know. */
  parameters(): Array<string> {
    context_data_loader_parameters(this.handle, AREA);
    return textList(AREA + 0);
  }

  /** The value of a parameter, as JSON. */
  get(key: string): Result<string> {
    context_data_loader_get(this.handle, changetype<usize>(key), key.length, AREA);
    if (load<u8>(AREA)) return Result.failed<string>(failure(4));
    return Result.of<string>(text(AREA + 4));
  }

  /** Sets a parameter, from the loader's next start on. The value is saved in checkpoints. Grant `loaders`. */
  set(key: string, value: string): Failure | null {
    context_data_loader_set(this.handle, changetype<usize>(key), key.length, changetype<usize>(value), value.length, AREA);
    return load<u8>(AREA) ? failure(4) : null;
  }
}

@external("phasebox:train/context@0.1.0", "[resource-drop]data-loader")
export declare function drop_data_loader(handle: i32): void;
@external("phasebox:train/context@0.1.0", "[method]data-loader.name")
export declare function context_data_loader_name(p0: i32, p1: usize): void;
@external("phasebox:train/context@0.1.0", "[method]data-loader.batches")
export declare function context_data_loader_batches(p0: i32): i64;
@external("phasebox:train/context@0.1.0", "[method]data-loader.samples")
export declare function context_data_loader_samples(p0: i32): i64;
@external("phasebox:train/context@0.1.0", "[method]data-loader.batch-size")
export declare function context_data_loader_batch_size(p0: i32): i32;
@external("phasebox:train/context@0.1.0", "[method]data-loader.parameters")
export declare function context_data_loader_parameters(p0: i32, p1: usize): void;
@external("phasebox:train/context@0.1.0", "[method]data-loader.get")
export declare function context_data_loader_get(p0: i32, p1: usize, p2: i32, p3: usize): void;
@external("phasebox:train/context@0.1.0", "[method]data-loader.set")
export declare function context_data_loader_set(p0: i32, p1: usize, p2: i32, p3: usize, p4: i32, p5: usize): void;

/// The running metrics of one split.
export class Metrics extends Handle {
  /** Gives the handle back now; otherwise that happens at the end of the call. */
  drop(): void {
    if (this.untrack()) drop_metrics(this.handle);
    this.handle = 0;
  }

  /** The names of the loss items, then those of the metrics. */
  names(): Array<string> {
    context_metrics_names(this.handle, AREA);
    return textList(AREA + 0);
  }

  /** The values over the batches so far, the mean loss among them. Syncs. */
  compute(): Result<Array<ScalarEntry>> {
    context_metrics_compute(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Array<ScalarEntry>>(failure(4));
    return Result.of<Array<ScalarEntry>>(entryList(AREA + 4));
  }
}

@external("phasebox:train/context@0.1.0", "[resource-drop]metrics")
export declare function drop_metrics(handle: i32): void;
@external("phasebox:train/context@0.1.0", "[method]metrics.names")
export declare function context_metrics_names(p0: i32, p1: usize): void;
@external("phasebox:train/context@0.1.0", "[method]metrics.compute")
export declare function context_metrics_compute(p0: i32, p1: usize): void;

/// All loggers of the run at once (metrics.jsonl, TensorBoard). A name appears as
/// `<callback>/<name>` at the current global step. The number of distinct names is limited.
export class Logger extends Handle {
  /** Gives the handle back now; otherwise that happens at the end of the call. */
  drop(): void {
    if (this.untrack()) drop_logger(this.handle);
    this.handle = 0;
  }

  /** Logs a number. */
  scalar(name: string, value: f64): Failure | null {
    context_logger_scalar(this.handle, changetype<usize>(name), name.length, value, AREA);
    return load<u8>(AREA) ? failure(4) : null;
  }

  /** Logs a tensor with one element. Queues one small copy; the value is written once it has arrived. */
  scalarTensor(name: string, value: Tensor): Failure | null {
    context_logger_scalar_tensor(this.handle, changetype<usize>(name), name.length, value.handle, AREA);
    return load<u8>(AREA) ? failure(4) : null;
  }

  /** Logs the counts of `bins` equal bins between the smallest and the largest element; 1 to 1,024 bins. Syncs. */
  histogram(name: string, values: Tensor, bins: u32): Failure | null {
    context_logger_histogram(this.handle, changetype<usize>(name), name.length, values.handle, bins, AREA);
    return load<u8>(AREA) ? failure(4) : null;
  }

  /** Logs an image: [H, W], [C, H, W] or [N, C, H, W] with 1 or 3 channels, float in 0–1 or uint8. A batch becomes a grid. At most 16 Mi elements. Copies to the CPU: syncs. */
  image(name: string, image: Tensor): Failure | null {
    context_logger_image(this.handle, changetype<usize>(name), name.length, image.handle, AREA);
    return load<u8>(AREA) ? failure(4) : null;
  }

  /** Logs a text. Cut after 4 KiB. */
  text(name: string, text: string): Failure | null {
    context_logger_text(this.handle, changetype<usize>(name), name.length, changetype<usize>(text), text.length, AREA);
    return load<u8>(AREA) ? failure(4) : null;
  }

  /** Writes a file to the callback's own folder of the run and replaces a file of that name. A name has up to 128 bytes of letters, digits and ` ._-+=,@()[]#%`; it neither begins with a dot nor ends with a dot or a space. Grant `files`. */
  artifact(fileName: string, data: Array<u8>): Failure | null {
    context_logger_artifact(this.handle, changetype<usize>(fileName), fileName.length, data.dataStart, data.length, AREA);
    return load<u8>(AREA) ? failure(4) : null;
  }

  /** Writes an image as a PNG to the callback's own folder. Names are those of `artifact`, and tensors those of `image`. Syncs. Grant `files`. */
  imageFile(fileName: string, image: Tensor): Failure | null {
    context_logger_image_file(this.handle, changetype<usize>(fileName), fileName.length, image.handle, AREA);
    return load<u8>(AREA) ? failure(4) : null;
  }
}

@external("phasebox:train/context@0.1.0", "[resource-drop]logger")
export declare function drop_logger(handle: i32): void;
@external("phasebox:train/context@0.1.0", "[method]logger.scalar")
export declare function context_logger_scalar(p0: i32, p1: usize, p2: i32, p3: f64, p4: usize): void;
@external("phasebox:train/context@0.1.0", "[method]logger.scalar-tensor")
export declare function context_logger_scalar_tensor(p0: i32, p1: usize, p2: i32, p3: i32, p4: usize): void;
@external("phasebox:train/context@0.1.0", "[method]logger.histogram")
export declare function context_logger_histogram(p0: i32, p1: usize, p2: i32, p3: i32, p4: i32, p5: usize): void;
@external("phasebox:train/context@0.1.0", "[method]logger.image")
export declare function context_logger_image(p0: i32, p1: usize, p2: i32, p3: i32, p4: usize): void;
@external("phasebox:train/context@0.1.0", "[method]logger.text")
export declare function context_logger_text(p0: i32, p1: usize, p2: i32, p3: usize, p4: i32, p5: usize): void;
@external("phasebox:train/context@0.1.0", "[method]logger.artifact")
export declare function context_logger_artifact(p0: i32, p1: usize, p2: i32, p3: usize, p4: i32, p5: usize): void;
@external("phasebox:train/context@0.1.0", "[method]logger.image-file")
export declare function context_logger_image_file(p0: i32, p1: usize, p2: i32, p3: i32, p4: usize): void;

/// The state of training, lent for one call. A value that does not exist yet at this phase is
/// `none`, or the error `not-available`, whose message names the first phase that has it.
export class PhaseContext extends Handle {

  /** The phase's name as exported, such as "on-train-batch-end". */
  phase(): string {
    context_phase_context_phase(this.handle, AREA);
    return text(AREA + 0);
  }

  /** From 0; none before the first epoch. During average-best-models it is the last epoch. */
  epoch(): Maybe<u32> {
    context_phase_context_epoch(this.handle, AREA);
    return new Maybe<u32>(load<u8>(AREA, 0) != 0, load<u32>(AREA, 4));
  }

  /** From 0 within the loader in progress; none between loaders. */
  batchIdx(): Maybe<u64> {
    context_phase_context_batch_idx(this.handle, AREA);
    return new Maybe<u64>(load<u8>(AREA, 0) != 0, load<u64>(AREA, 8));
  }

  /** Optimizer steps done. */
  globalStep(): u64 {
    return context_phase_context_global_step(this.handle);
  }

  /** Training samples seen, over all epochs. */
  samplesSeen(): u64 {
    return context_phase_context_samples_seen(this.handle);
  }

  /** Epochs of the whole run. */
  maxEpochs(): u32 {
    return context_phase_context_max_epochs(this.handle);
  }

  /** Optimizer steps in one epoch, with the present accumulation. */
  stepsPerEpoch(): u64 {
    return context_phase_context_steps_per_epoch(this.handle);
  }

  /** Optimizer steps in the whole run, with the present accumulation. */
  maxSteps(): u64 {
    return context_phase_context_max_steps(this.handle);
  }

  /** `epoch`, `batch-idx` and `global-step` in one crossing. */
  position(): Position {
    context_phase_context_position(this.handle, AREA);
    return new Position(new Maybe<u32>(load<u8>(AREA, 0) != 0, load<u32>(AREA, 4)), new Maybe<u64>(load<u8>(AREA, 8) != 0, load<u64>(AREA, 16)), load<u64>(AREA, 24));
  }

  /** `global-step` and `max-steps` in one crossing. */
  progress(): Progress {
    context_phase_context_progress(this.handle, AREA);
    return new Progress(load<u64>(AREA, 0), load<u64>(AREA, 8));
  }

  /** True in the last batch of the loader in progress. */
  isLastBatch(): bool {
    return context_phase_context_is_last_batch(this.handle) != 0;
  }

  /** True if this batch completes an accumulation: an optimizer step follows or has happened. */
  isAccumulationBoundary(): bool {
    return context_phase_context_is_accumulation_boundary(this.handle) != 0;
  }

  /** Seconds since training started, including the parts before a resume. Without grant `clock`, and with `deterministic_callbacks: true` in the recipe, this is the number of optimizer steps done: a clock of one second a step that is the same in every run. */
  elapsedSeconds(): f64 {
    return context_phase_context_elapsed_seconds(this.handle);
  }

  /** The number of this process among all. Always 0 today: a run is one process. */
  rank(): u32 {
    return context_phase_context_rank(this.handle);
  }

  /** The number of this process on its machine. Always 0 today: a run is one process. */
  localRank(): u32 {
    return context_phase_context_local_rank(this.handle);
  }

  /** The number of processes in the run. Always 1 today: a run is one process. */
  worldSize(): u32 {
    return context_phase_context_world_size(this.handle);
  }

  /** The recipe's seed. */
  seed(): u64 {
    return context_phase_context_seed(this.handle);
  }

  /** Samples in the batch: its weight in every mean. 0 between batches. */
  batchSize(): u64 {
    return context_phase_context_batch_size(this.handle);
  }

  /** [N, …] on the run's device. Changing it in place needs grant `inputs`. */
  inputs(): Result<Tensor> {
    context_phase_context_inputs(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** All inputs by name, in declared order. Changing them in place needs grant `inputs`. */
  inputsGroup(): Result<TensorGroup> {
    context_phase_context_inputs_group(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<TensorGroup>(failure(4));
    return Result.of<TensorGroup>(new TensorGroup(load<i32>(AREA, 4)));
  }

  /** Classes [N] int64, or values [N, …] float32. Where samples have different numbers of things, such as boxes, it is [M, k]: the first column is the sample's index, and −1 in rows that hold nothing. Changing it in place needs grant `target`. */
  target(): Result<Tensor> {
    context_phase_context_target(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** All targets by name, in declared order. Changing them in place needs grant `target`. */
  targetGroup(): Result<TensorGroup> {
    context_phase_context_target_group(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<TensorGroup>(failure(4));
    return Result.of<TensorGroup>(new TensorGroup(load<i32>(AREA, 4)));
  }

  /** The output of the network: from on-train-batch-forward-end, and at on-validation-batch-end and on-test-batch-end. It cannot be changed in place. */
  preds(): Result<Tensor> {
    context_phase_context_preds(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** All outputs of the network by name, in declared order, at the same phases. A network may have other outputs in training than in evaluation. They cannot be changed in place. */
  predsGroup(): Result<TensorGroup> {
    context_phase_context_preds_group(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<TensorGroup>(failure(4));
    return Result.of<TensorGroup>(new TensorGroup(load<i32>(AREA, 4)));
  }

  /** The loss (0-d): from on-train-batch-loss-end, and at on-validation-batch-end and on-test-batch-end. A skipped batch has no loss: at its on-train-batch-end `loss`, `preds` and `loss-log-items` are `not-available`. Changing it in place needs grant `loss`. */
  loss(): Result<Tensor> {
    context_phase_context_loss(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** The loss and its parts, detached: one element for each of `loss-logging-items-names`. */
  lossLogItems(): Result<Tensor> {
    context_phase_context_loss_log_items(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** "loss" for the whole, then the names of its parts. */
  lossLoggingItemsNames(): Array<string> {
    context_phase_context_loss_logging_items_names(this.handle, AREA);
    return textList(AREA + 0);
  }

  /** Names of the tensors that the data set gives beside inputs and target. */
  additionalBatchItems(): Array<string> {
    context_phase_context_additional_batch_items(this.handle, AREA);
    return textList(AREA + 0);
  }

  /** One of these tensors. Changing it in place needs grant `inputs`. */
  additionalBatchItem(name: string): Result<Tensor> {
    context_phase_context_additional_batch_item(this.handle, changetype<usize>(name), name.length, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** The network in training. */
  net(): Result<Model> {
    context_phase_context_net(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Model>(failure(4));
    return Result.of<Model>(new Model(load<i32>(AREA, 4)));
  }

  /** The moving average of the network, with `ema: true` in the recipe. */
  emaModel(): Result<Model> {
    context_phase_context_ema_model(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Model>(failure(4));
    return Result.of<Model>(new Model(load<i32>(AREA, 4)));
  }

  /** The optimizer. */
  optimizer(): Result<Optimizer> {
    context_phase_context_optimizer(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Optimizer>(failure(4));
    return Result.of<Optimizer>(new Optimizer(load<i32>(AREA, 4)));
  }

  /** The loss function. */
  criterion(): Result<Criterion> {
    context_phase_context_criterion(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Criterion>(failure(4));
    return Result.of<Criterion>(new Criterion(load<i32>(AREA, 4)));
  }

  /** The loader of the training data. */
  trainLoader(): Result<DataLoader> {
    context_phase_context_train_loader(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<DataLoader>(failure(4));
    return Result.of<DataLoader>(new DataLoader(load<i32>(AREA, 4)));
  }

  /** The loader of the validation data. */
  validLoader(): Result<DataLoader> {
    context_phase_context_valid_loader(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<DataLoader>(failure(4));
    return Result.of<DataLoader>(new DataLoader(load<i32>(AREA, 4)));
  }

  /** The loader of the test data, if the recipe has a test set. */
  testLoader(): Result<DataLoader> {
    context_phase_context_test_loader(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<DataLoader>(failure(4));
    return Result.of<DataLoader>(new DataLoader(load<i32>(AREA, 4)));
  }

  /** The loggers of the run. */
  sgLogger(): Result<Logger> {
    context_phase_context_sg_logger(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Logger>(failure(4));
    return Result.of<Logger>(new Logger(load<i32>(AREA, 4)));
  }

  /** `net.parameters`. */
  parameters(): Result<TensorGroup> {
    context_phase_context_parameters(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<TensorGroup>(failure(4));
    return Result.of<TensorGroup>(new TensorGroup(load<i32>(AREA, 4)));
  }

  /** `net.gradients`. */
  gradients(): Result<TensorGroup> {
    context_phase_context_gradients(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<TensorGroup>(failure(4));
    return Result.of<TensorGroup>(new TensorGroup(load<i32>(AREA, 4)));
  }

  /** `net.buffers`. */
  buffers(): Result<TensorGroup> {
    context_phase_context_buffers(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<TensorGroup>(failure(4));
    return Result.of<TensorGroup>(new TensorGroup(load<i32>(AREA, 4)));
  }

  /** `net.gradients` and `clip-norm-in-place`: answers the norm before (0-d), does not sync. Grant `gradients`. */
  clipGradients(maxNorm: f64, p: f64): Result<Tensor> {
    context_phase_context_clip_gradients(this.handle, maxNorm, p, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** `clip-gradients`, and `log-scalar-tensor` of the norm before: without a tensor to drop. Grant `gradients`. */
  clipAndLogGradients(maxNorm: f64, p: f64, name: string): Failure | null {
    context_phase_context_clip_and_log_gradients(this.handle, maxNorm, p, changetype<usize>(name), name.length, AREA);
    return load<u8>(AREA) ? failure(4) : null;
  }

  /** `optimizer.learning-rate`. */
  learningRate(group: string): Result<f64> {
    context_phase_context_learning_rate(this.handle, changetype<usize>(group), group.length, AREA);
    if (load<u8>(AREA)) return Result.failed<f64>(failure(8));
    return Result.of<f64>(load<f64>(AREA, 8));
  }

  /** `optimizer.set-learning-rate`. Grant `optimizer`. */
  setLearningRate(group: string, value: f64): Failure | null {
    context_phase_context_set_learning_rate(this.handle, changetype<usize>(group), group.length, value, AREA);
    return load<u8>(AREA) ? failure(4) : null;
  }

  /** `sg-logger.scalar`. */
  logScalar(name: string, value: f64): Failure | null {
    context_phase_context_log_scalar(this.handle, changetype<usize>(name), name.length, value, AREA);
    return load<u8>(AREA) ? failure(4) : null;
  }

  /** `sg-logger.scalar` for each of at most 1,024 numbers, in order. It ends at the first that is refused; those before it are logged. */
  logScalars(values: Array<ScalarEntry>): Failure | null {
    const valuesList = entries(values);
    context_phase_context_log_scalars(this.handle, changetype<usize>(valuesList), values.length, AREA);
    return load<u8>(AREA) ? failure(4) : null;
  }

  /** `sg-logger.scalar-tensor`. */
  logScalarTensor(name: string, value: Tensor): Failure | null {
    context_phase_context_log_scalar_tensor(this.handle, changetype<usize>(name), name.length, value.handle, AREA);
    return load<u8>(AREA) ? failure(4) : null;
  }

  /** The metrics last computed, under the names that are logged: train from on-train-loader-end, validation from on-validation-loader-end, test from on-test-loader-end. Those that callbacks have published follow. */
  metricsDict(): Array<ScalarEntry> {
    context_phase_context_metrics_dict(this.handle, AREA);
    return entryList(AREA + 0);
  }

  /** One value of `metrics-dict`. */
  metric(name: string): Maybe<f64> {
    context_phase_context_metric(this.handle, changetype<usize>(name), name.length, AREA);
    return new Maybe<f64>(load<u8>(AREA, 0) != 0, load<f64>(AREA, 8));
  }

  /** Publishes a number as the metric `<callback>/<name>`: it is logged, is in `metrics-dict` until that is computed anew, and may be the recipe's `metric_to_watch`, which decides about the best epoch, its checkpoint and `average_best_models`. At on-train-loader-end, on-validation-loader-end and on-test-loader-end. Another value for the same name replaces the first. At most 256 names a callback, under the rules and limits of `logger.scalar`. To be watched a name must be among the `metrics` of `describe`, and the callback must publish it at every on-validation-loader-end: a missing value ends the run as failed. A value that is not a number is never the best. */
  publishMetric(name: string, value: f64): Failure | null {
    context_phase_context_publish_metric(this.handle, changetype<usize>(name), name.length, value, AREA);
    return load<u8>(AREA) ? failure(4) : null;
  }

  /** `publish-metric` with the value of a tensor of one element. Syncs. */
  publishMetricTensor(name: string, value: Tensor): Failure | null {
    context_phase_context_publish_metric_tensor(this.handle, changetype<usize>(name), name.length, value.handle, AREA);
    return load<u8>(AREA) ? failure(4) : null;
  }

  /** The running metrics of the split in progress: train, validation or test. */
  metricsComputeFn(): Result<Metrics> {
    context_phase_context_metrics_compute_fn(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Metrics>(failure(4));
    return Result.of<Metrics>(new Metrics(load<i32>(AREA, 4)));
  }

  /** The running validation metrics. */
  validMetrics(): Result<Metrics> {
    context_phase_context_valid_metrics(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Metrics>(failure(4));
    return Result.of<Metrics>(new Metrics(load<i32>(AREA, 4)));
  }

  /** The values of a metric over this batch alone, where `preds` exist. The metric is JSON, as an entry of the recipe's `valid_metrics_list` has it: `"Accuracy"`, or `{"TopK": {"k": 3}}`; the recipe need not list it. The running metrics stay as they are. Syncs. */
  batchMetric(metric: string): Result<Array<ScalarEntry>> {
    context_phase_context_batch_metric(this.handle, changetype<usize>(metric), metric.length, AREA);
    if (load<u8>(AREA)) return Result.failed<Array<ScalarEntry>>(failure(4));
    return Result.of<Array<ScalarEntry>>(entryList(AREA + 4));
  }

  /** The mean loss of the split so far (0-d, on the device). Starts kernels. */
  lossAvgMeter(): Result<Tensor> {
    context_phase_context_loss_avg_meter(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** The name of the metric that decides which epoch is best. */
  metricToWatch(): string {
    context_phase_context_metric_to_watch(this.handle, AREA);
    return text(AREA + 0);
  }

  /** True if a higher value of that metric is better. */
  greaterMetricToWatchIsBetter(): bool {
    return context_phase_context_greater_metric_to_watch_is_better(this.handle) != 0;
  }

  /** The best value of that metric so far. */
  bestMetric(): Maybe<f64> {
    context_phase_context_best_metric(this.handle, AREA);
    return new Maybe<f64>(load<u8>(AREA, 0) != 0, load<f64>(AREA, 8));
  }

  /** The epoch of that value. */
  bestEpoch(): Maybe<u32> {
    context_phase_context_best_epoch(this.handle, AREA);
    return new Maybe<u32>(load<u8>(AREA, 0) != 0, load<u32>(AREA, 4));
  }

  /** Epochs of the recipe's own warm-up. */
  lrWarmupEpochs(): u32 {
    return context_phase_context_lr_warmup_epochs(this.handle);
  }

  /** "cpu" or "cuda:0". */
  device(): string {
    context_phase_context_device(this.handle, AREA);
    return text(AREA + 0);
  }

  /** The recipe's `experiment_name`. */
  experimentName(): string {
    context_phase_context_experiment_name(this.handle, AREA);
    return text(AREA + 0);
  }

  /** The path of the run's folder, to show and not to open: files go through the logger. */
  ckptDir(): string {
    context_phase_context_ckpt_dir(this.handle, AREA);
    return text(AREA + 0);
  }

  /** The recipe's `training_hyperparams`. */
  trainingParams(): string {
    context_phase_context_training_params(this.handle, AREA);
    return text(AREA + 0);
  }

  /** The recipe's `checkpoint_params`. */
  checkpointParams(): string {
    context_phase_context_checkpoint_params(this.handle, AREA);
    return text(AREA + 0);
  }

  /** The recipe's `arch_params`. */
  archParams(): string {
    context_phase_context_arch_params(this.handle, AREA);
    return text(AREA + 0);
  }

  /** The recipe's `architecture`. */
  architecture(): string {
    context_phase_context_architecture(this.handle, AREA);
    return text(AREA + 0);
  }

  /** True if the recipe asks for no output on ranks other than 0. */
  ddpSilentMode(): bool {
    return context_phase_context_ddp_silent_mode(this.handle) != 0;
  }

  /** True once a callback has requested a stop. */
  stopTraining(): bool {
    return context_phase_context_stop_training(this.handle) != 0;
  }

  /** The end of what the phase is about. At on-train-batch-end: "stepped", "accumulated", "skipped-batch", "skipped-backward" or "skipped-step". At on-training-end: "completed", "stopped: <reason>", "interrupted" or "failed: <error>". At on-exception: the error. At on-interrupt: the signal. None at all other phases. */
  outcome(): string | null {
    context_phase_context_outcome(this.handle, AREA);
    return load<u8>(AREA, 0) ? text(AREA + 4) : null;
  }

  /** At on-…-batch-start: a tensor on the run's device with as many samples as the batch, in place of the only input. Grant `inputs`. */
  setInputs(value: Tensor): Failure | null {
    context_phase_context_set_inputs(this.handle, value.handle, AREA);
    return load<u8>(AREA) ? failure(4) : null;
  }

  /** The same for the input of that name. Grant `inputs`. */
  setInputsItem(name: string, value: Tensor): Failure | null {
    context_phase_context_set_inputs_item(this.handle, changetype<usize>(name), name.length, value.handle, AREA);
    return load<u8>(AREA) ? failure(4) : null;
  }

  /** At on-…-batch-start and on-train-batch-forward-end: a tensor on the run's device with as many samples as the batch, in place of the only target. A target whose rows are not samples may get another number of rows. Grant `target`. */
  setTarget(value: Tensor): Failure | null {
    context_phase_context_set_target(this.handle, value.handle, AREA);
    return load<u8>(AREA) ? failure(4) : null;
  }

  /** The same for the target of that name. Grant `target`. */
  setTargetItem(name: string, value: Tensor): Failure | null {
    context_phase_context_set_target_item(this.handle, changetype<usize>(name), name.length, value.handle, AREA);
    return load<u8>(AREA) ? failure(4) : null;
  }

  /** At on-train-batch-loss-end: one element, made from the loss or the predictions so that gradients reach the parameters. Grant `loss`. */
  setLoss(value: Tensor): Failure | null {
    context_phase_context_set_loss(this.handle, value.handle, AREA);
    return load<u8>(AREA) ? failure(4) : null;
  }

  /** At on-train-batch-gradient-step-start: replaces the gradients by those of the batch at the present parameters, by a forward pass, a loss and a backward pass in training mode. Returns the loss of this pass (0-d); `preds` and `loss` stay as they are. For sharpness-aware minimization, change the parameters before and put them back after. The loss is the recipe's: what `set-loss` has replaced is not repeated, and dropout draws anew. `unsupported` where several batches make one step. Grant `gradients` too. */
  repeatBackward(): Result<Tensor> {
    context_phase_context_repeat_backward(this.handle, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** At on-train-batch-loss-end: the mean over samples of (‖∂ Σ preds / ∂ inputs‖₂ − norm)² at `inputs`, given as for `model.forward` (0-d). In mode "train"; the sum is over all predictions, and the norm over all inputs of a sample together. Gradients reach the parameters through it: add it to the loss and give that to `set-loss`. */
  gradientPenalty(inputs: Array<Tensor>, norm: f64): Result<Tensor> {
    const inputsList = handles<Tensor>(inputs);
    context_phase_context_gradient_penalty(this.handle, changetype<usize>(inputsList), inputs.length, norm, AREA);
    if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
    return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
  }

  /** Ends training after the current "batch", "step" (optimizer step) or "epoch". An epoch that is cut short is not validated. The earliest of several requests counts. Grant `stop`. */
  requestStop(at: string, reason: string): Failure | null {
    context_phase_context_request_stop(this.handle, changetype<usize>(at), at.length, changetype<usize>(reason), reason.length, AREA);
    return load<u8>(AREA) ? failure(4) : null;
  }

  /** Ends training if the value is above the threshold, at the batch after the value has arrived. At most 256 values wait at one time. Grant `stop`. */
  stopIfAbove(value: Tensor, threshold: f64, reason: string): Failure | null {
    context_phase_context_stop_if_above(this.handle, value.handle, threshold, changetype<usize>(reason), reason.length, AREA);
    return load<u8>(AREA) ? failure(4) : null;
  }

  /** Ends training if the value is infinite or not-a-number, at the batch after the value has arrived. At most 256 values wait at one time. Grant `stop`. */
  stopIfNonfinite(value: Tensor, reason: string): Failure | null {
    context_phase_context_stop_if_nonfinite(this.handle, value.handle, changetype<usize>(reason), reason.length, AREA);
    return load<u8>(AREA) ? failure(4) : null;
  }

  /** Ends the training part of this epoch; validation and the next epoch follow. Grant `stop`. */
  stopEpoch(reason: string): Failure | null {
    context_phase_context_stop_epoch(this.handle, changetype<usize>(reason), reason.length, AREA);
    return load<u8>(AREA) ? failure(4) : null;
  }

  /** At on-train-batch-start: neither forward nor backward for this batch. Grant `skip`. */
  skipBatch(reason: string): Failure | null {
    context_phase_context_skip_batch(this.handle, changetype<usize>(reason), reason.length, AREA);
    return load<u8>(AREA) ? failure(4) : null;
  }

  /** Up to on-train-batch-loss-end: no backward for this batch. Grant `skip`. */
  skipBackward(reason: string): Failure | null {
    context_phase_context_skip_backward(this.handle, changetype<usize>(reason), reason.length, AREA);
    return load<u8>(AREA) ? failure(4) : null;
  }

  /** Up to on-train-batch-gradient-ready: gradients are cleared instead of used. Grant `skip`. */
  skipStep(reason: string): Failure | null {
    context_phase_context_skip_step(this.handle, changetype<usize>(reason), reason.length, AREA);
    return load<u8>(AREA) ? failure(4) : null;
  }

  /** Validates after this batch. Grant `validate`. */
  requestValidation(): Failure | null {
    context_phase_context_request_validation(this.handle, AREA);
    return load<u8>(AREA) ? failure(4) : null;
  }

  /** Saves a checkpoint `ckpt_<tag>` after this batch. A tag has 1 to 64 letters, digits, `_` and `-`. The trainer's own tags (`latest`, `best`, `best_…`, `error`, `epoch_…`) are refused. Grant `checkpoint`. */
  requestCheckpoint(tag: string): Failure | null {
    context_phase_context_request_checkpoint(this.handle, changetype<usize>(tag), tag.length, AREA);
    return load<u8>(AREA) ? failure(4) : null;
  }

  /** Sets how many batches make one optimizer step, from the next step on. Grant `optimizer`. */
  setAccumulation(batches: u32): Failure | null {
    context_phase_context_set_accumulation(this.handle, batches, AREA);
    return load<u8>(AREA) ? failure(4) : null;
  }

  /** Ends the calls of this callback for the rest of the run, except those that save its state. */
  disableSelf(reason: string): Failure | null {
    context_phase_context_disable_self(this.handle, changetype<usize>(reason), reason.length, AREA);
    return load<u8>(AREA) ? failure(4) : null;
  }

  /** Ends the run as failed, whatever the recipe's `on_error` says. Grant `stop`. */
  abort(reason: string): Failure | null {
    context_phase_context_abort(this.handle, changetype<usize>(reason), reason.length, AREA);
    return load<u8>(AREA) ? failure(4) : null;
  }
}

@external("phasebox:train/context@0.1.0", "[resource-drop]phase-context")
export declare function drop_phase_context(handle: i32): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.phase")
export declare function context_phase_context_phase(p0: i32, p1: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.epoch")
export declare function context_phase_context_epoch(p0: i32, p1: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.batch-idx")
export declare function context_phase_context_batch_idx(p0: i32, p1: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.global-step")
export declare function context_phase_context_global_step(p0: i32): i64;
@external("phasebox:train/context@0.1.0", "[method]phase-context.samples-seen")
export declare function context_phase_context_samples_seen(p0: i32): i64;
@external("phasebox:train/context@0.1.0", "[method]phase-context.max-epochs")
export declare function context_phase_context_max_epochs(p0: i32): i32;
@external("phasebox:train/context@0.1.0", "[method]phase-context.steps-per-epoch")
export declare function context_phase_context_steps_per_epoch(p0: i32): i64;
@external("phasebox:train/context@0.1.0", "[method]phase-context.max-steps")
export declare function context_phase_context_max_steps(p0: i32): i64;
@external("phasebox:train/context@0.1.0", "[method]phase-context.position")
export declare function context_phase_context_position(p0: i32, p1: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.progress")
export declare function context_phase_context_progress(p0: i32, p1: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.is-last-batch")
export declare function context_phase_context_is_last_batch(p0: i32): i32;
@external("phasebox:train/context@0.1.0", "[method]phase-context.is-accumulation-boundary")
export declare function context_phase_context_is_accumulation_boundary(p0: i32): i32;
@external("phasebox:train/context@0.1.0", "[method]phase-context.elapsed-seconds")
export declare function context_phase_context_elapsed_seconds(p0: i32): f64;
@external("phasebox:train/context@0.1.0", "[method]phase-context.rank")
export declare function context_phase_context_rank(p0: i32): i32;
@external("phasebox:train/context@0.1.0", "[method]phase-context.local-rank")
export declare function context_phase_context_local_rank(p0: i32): i32;
@external("phasebox:train/context@0.1.0", "[method]phase-context.world-size")
export declare function context_phase_context_world_size(p0: i32): i32;
@external("phasebox:train/context@0.1.0", "[method]phase-context.seed")
export declare function context_phase_context_seed(p0: i32): i64;
@external("phasebox:train/context@0.1.0", "[method]phase-context.batch-size")
export declare function context_phase_context_batch_size(p0: i32): i64;
@external("phasebox:train/context@0.1.0", "[method]phase-context.inputs")
export declare function context_phase_context_inputs(p0: i32, p1: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.inputs-group")
export declare function context_phase_context_inputs_group(p0: i32, p1: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.target")
export declare function context_phase_context_target(p0: i32, p1: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.target-group")
export declare function context_phase_context_target_group(p0: i32, p1: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.preds")
export declare function context_phase_context_preds(p0: i32, p1: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.preds-group")
export declare function context_phase_context_preds_group(p0: i32, p1: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.loss")
export declare function context_phase_context_loss(p0: i32, p1: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.loss-log-items")
export declare function context_phase_context_loss_log_items(p0: i32, p1: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.loss-logging-items-names")
export declare function context_phase_context_loss_logging_items_names(p0: i32, p1: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.additional-batch-items")
export declare function context_phase_context_additional_batch_items(p0: i32, p1: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.additional-batch-item")
export declare function context_phase_context_additional_batch_item(p0: i32, p1: usize, p2: i32, p3: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.net")
export declare function context_phase_context_net(p0: i32, p1: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.ema-model")
export declare function context_phase_context_ema_model(p0: i32, p1: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.optimizer")
export declare function context_phase_context_optimizer(p0: i32, p1: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.criterion")
export declare function context_phase_context_criterion(p0: i32, p1: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.train-loader")
export declare function context_phase_context_train_loader(p0: i32, p1: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.valid-loader")
export declare function context_phase_context_valid_loader(p0: i32, p1: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.test-loader")
export declare function context_phase_context_test_loader(p0: i32, p1: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.sg-logger")
export declare function context_phase_context_sg_logger(p0: i32, p1: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.parameters")
export declare function context_phase_context_parameters(p0: i32, p1: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.gradients")
export declare function context_phase_context_gradients(p0: i32, p1: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.buffers")
export declare function context_phase_context_buffers(p0: i32, p1: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.clip-gradients")
export declare function context_phase_context_clip_gradients(p0: i32, p1: f64, p2: f64, p3: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.clip-and-log-gradients")
export declare function context_phase_context_clip_and_log_gradients(p0: i32, p1: f64, p2: f64, p3: usize, p4: i32, p5: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.learning-rate")
export declare function context_phase_context_learning_rate(p0: i32, p1: usize, p2: i32, p3: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.set-learning-rate")
export declare function context_phase_context_set_learning_rate(p0: i32, p1: usize, p2: i32, p3: f64, p4: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.log-scalar")
export declare function context_phase_context_log_scalar(p0: i32, p1: usize, p2: i32, p3: f64, p4: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.log-scalars")
export declare function context_phase_context_log_scalars(p0: i32, p1: usize, p2: i32, p3: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.log-scalar-tensor")
export declare function context_phase_context_log_scalar_tensor(p0: i32, p1: usize, p2: i32, p3: i32, p4: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.metrics-dict")
export declare function context_phase_context_metrics_dict(p0: i32, p1: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.metric")
export declare function context_phase_context_metric(p0: i32, p1: usize, p2: i32, p3: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.publish-metric")
export declare function context_phase_context_publish_metric(p0: i32, p1: usize, p2: i32, p3: f64, p4: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.publish-metric-tensor")
export declare function context_phase_context_publish_metric_tensor(p0: i32, p1: usize, p2: i32, p3: i32, p4: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.metrics-compute-fn")
export declare function context_phase_context_metrics_compute_fn(p0: i32, p1: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.valid-metrics")
export declare function context_phase_context_valid_metrics(p0: i32, p1: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.batch-metric")
export declare function context_phase_context_batch_metric(p0: i32, p1: usize, p2: i32, p3: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.loss-avg-meter")
export declare function context_phase_context_loss_avg_meter(p0: i32, p1: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.metric-to-watch")
export declare function context_phase_context_metric_to_watch(p0: i32, p1: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.greater-metric-to-watch-is-better")
export declare function context_phase_context_greater_metric_to_watch_is_better(p0: i32): i32;
@external("phasebox:train/context@0.1.0", "[method]phase-context.best-metric")
export declare function context_phase_context_best_metric(p0: i32, p1: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.best-epoch")
export declare function context_phase_context_best_epoch(p0: i32, p1: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.lr-warmup-epochs")
export declare function context_phase_context_lr_warmup_epochs(p0: i32): i32;
@external("phasebox:train/context@0.1.0", "[method]phase-context.device")
export declare function context_phase_context_device(p0: i32, p1: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.experiment-name")
export declare function context_phase_context_experiment_name(p0: i32, p1: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.ckpt-dir")
export declare function context_phase_context_ckpt_dir(p0: i32, p1: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.training-params")
export declare function context_phase_context_training_params(p0: i32, p1: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.checkpoint-params")
export declare function context_phase_context_checkpoint_params(p0: i32, p1: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.arch-params")
export declare function context_phase_context_arch_params(p0: i32, p1: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.architecture")
export declare function context_phase_context_architecture(p0: i32, p1: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.ddp-silent-mode")
export declare function context_phase_context_ddp_silent_mode(p0: i32): i32;
@external("phasebox:train/context@0.1.0", "[method]phase-context.stop-training")
export declare function context_phase_context_stop_training(p0: i32): i32;
@external("phasebox:train/context@0.1.0", "[method]phase-context.outcome")
export declare function context_phase_context_outcome(p0: i32, p1: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.set-inputs")
export declare function context_phase_context_set_inputs(p0: i32, p1: i32, p2: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.set-inputs-item")
export declare function context_phase_context_set_inputs_item(p0: i32, p1: usize, p2: i32, p3: i32, p4: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.set-target")
export declare function context_phase_context_set_target(p0: i32, p1: i32, p2: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.set-target-item")
export declare function context_phase_context_set_target_item(p0: i32, p1: usize, p2: i32, p3: i32, p4: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.set-loss")
export declare function context_phase_context_set_loss(p0: i32, p1: i32, p2: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.repeat-backward")
export declare function context_phase_context_repeat_backward(p0: i32, p1: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.gradient-penalty")
export declare function context_phase_context_gradient_penalty(p0: i32, p1: usize, p2: i32, p3: f64, p4: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.request-stop")
export declare function context_phase_context_request_stop(p0: i32, p1: usize, p2: i32, p3: usize, p4: i32, p5: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.stop-if-above")
export declare function context_phase_context_stop_if_above(p0: i32, p1: i32, p2: f64, p3: usize, p4: i32, p5: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.stop-if-nonfinite")
export declare function context_phase_context_stop_if_nonfinite(p0: i32, p1: i32, p2: usize, p3: i32, p4: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.stop-epoch")
export declare function context_phase_context_stop_epoch(p0: i32, p1: usize, p2: i32, p3: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.skip-batch")
export declare function context_phase_context_skip_batch(p0: i32, p1: usize, p2: i32, p3: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.skip-backward")
export declare function context_phase_context_skip_backward(p0: i32, p1: usize, p2: i32, p3: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.skip-step")
export declare function context_phase_context_skip_step(p0: i32, p1: usize, p2: i32, p3: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.request-validation")
export declare function context_phase_context_request_validation(p0: i32, p1: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.request-checkpoint")
export declare function context_phase_context_request_checkpoint(p0: i32, p1: usize, p2: i32, p3: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.set-accumulation")
export declare function context_phase_context_set_accumulation(p0: i32, p1: i32, p2: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.disable-self")
export declare function context_phase_context_disable_self(p0: i32, p1: usize, p2: i32, p3: usize): void;
@external("phasebox:train/context@0.1.0", "[method]phase-context.abort")
export declare function context_phase_context_abort(p0: i32, p1: usize, p2: i32, p3: usize): void;

/** Zeros. */
export function zeros(shape: Array<i64>, dtype: Dtype, device: string): Result<Tensor> {
  tensor_zeros(shape.dataStart, shape.length, dtype, changetype<usize>(device), device.length, AREA);
  if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
  return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
}
@external("phasebox:train/tensor@0.1.0", "zeros")
export declare function tensor_zeros(p0: usize, p1: i32, p2: i32, p3: usize, p4: i32, p5: usize): void;

/** Every element is `value`. */
export function full(shape: Array<i64>, value: f64, dtype: Dtype, device: string): Result<Tensor> {
  tensor_full(shape.dataStart, shape.length, value, dtype, changetype<usize>(device), device.length, AREA);
  if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
  return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
}
@external("phasebox:train/tensor@0.1.0", "full")
export declare function tensor_full(p0: usize, p1: i32, p2: f64, p3: i32, p4: usize, p5: i32, p6: usize): void;

/** start, start + step, … below end (1-d). */
export function arange(start: f64, end: f64, step: f64, dtype: Dtype, device: string): Result<Tensor> {
  tensor_arange(start, end, step, dtype, changetype<usize>(device), device.length, AREA);
  if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
  return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
}
@external("phasebox:train/tensor@0.1.0", "arange")
export declare function tensor_arange(p0: f64, p1: f64, p2: f64, p3: i32, p4: usize, p5: i32, p6: usize): void;

/** Uniform in [0, 1), float32. `rand`, `randn` and `randperm` draw from the callback's own generator, which is seeded by the run's seed and the callback's name and saved in checkpoints: a seed gives the same numbers in every run, on every device. The host draws on the CPU and copies to the device. Grant `random`. */
export function rand(shape: Array<i64>, device: string): Result<Tensor> {
  tensor_rand(shape.dataStart, shape.length, changetype<usize>(device), device.length, AREA);
  if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
  return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
}
@external("phasebox:train/tensor@0.1.0", "rand")
export declare function tensor_rand(p0: usize, p1: i32, p2: usize, p3: i32, p4: usize): void;

/** Standard normal, float32. Grant `random`. */
export function randn(shape: Array<i64>, device: string): Result<Tensor> {
  tensor_randn(shape.dataStart, shape.length, changetype<usize>(device), device.length, AREA);
  if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
  return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
}
@external("phasebox:train/tensor@0.1.0", "randn")
export declare function tensor_randn(p0: usize, p1: i32, p2: usize, p3: i32, p4: usize): void;

/** A random order of 0..n (1-d, int64). Grant `random`. */
export function randperm(n: u32, device: string): Result<Tensor> {
  tensor_randperm(n, changetype<usize>(device), device.length, AREA);
  if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
  return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
}
@external("phasebox:train/tensor@0.1.0", "randperm")
export declare function tensor_randperm(p0: i32, p1: usize, p2: i32, p3: usize): void;

/** Copies float32 values to the device. Their number must be the product of `shape`. */
export function fromF32(shape: Array<i64>, values: Array<f32>, device: string): Result<Tensor> {
  tensor_from_f32(shape.dataStart, shape.length, values.dataStart, values.length, changetype<usize>(device), device.length, AREA);
  if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
  return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
}
@external("phasebox:train/tensor@0.1.0", "from-f32")
export declare function tensor_from_f32(p0: usize, p1: i32, p2: usize, p3: i32, p4: usize, p5: i32, p6: usize): void;

/** Copies int64 values to the device. Their number must be the product of `shape`. */
export function fromS64(shape: Array<i64>, values: Array<i64>, device: string): Result<Tensor> {
  tensor_from_s64(shape.dataStart, shape.length, values.dataStart, values.length, changetype<usize>(device), device.length, AREA);
  if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
  return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
}
@external("phasebox:train/tensor@0.1.0", "from-s64")
export declare function tensor_from_s64(p0: usize, p1: i32, p2: usize, p3: i32, p4: usize, p5: i32, p6: usize): void;

/** The tensors joined along an existing dimension. 1 to 4,096 tensors. */
export function cat(tensors: Array<Tensor>, dim: i64): Result<Tensor> {
  const tensorsList = handles<Tensor>(tensors);
  tensor_cat(changetype<usize>(tensorsList), tensors.length, dim, AREA);
  if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
  return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
}
@external("phasebox:train/tensor@0.1.0", "cat")
export declare function tensor_cat(p0: usize, p1: i32, p2: i64, p3: usize): void;

/** The tensors joined along a new dimension. 1 to 4,096 tensors. */
export function stack(tensors: Array<Tensor>, dim: i64): Result<Tensor> {
  const tensorsList = handles<Tensor>(tensors);
  tensor_stack(changetype<usize>(tensorsList), tensors.length, dim, AREA);
  if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
  return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
}
@external("phasebox:train/tensor@0.1.0", "stack")
export declare function tensor_stack(p0: usize, p1: i32, p2: i64, p3: usize): void;

/** Boxes [..., 4] in another format, as torchvision.ops.box_convert. A copy. */
export function boxConvert(boxes: Tensor, inFormat: string, outFormat: string): Result<Tensor> {
  vision_box_convert(boxes.handle, changetype<usize>(inFormat), inFormat.length, changetype<usize>(outFormat), outFormat.length, AREA);
  if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
  return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
}
@external("phasebox:train/vision@0.1.0", "box-convert")
export declare function vision_box_convert(p0: i32, p1: usize, p2: i32, p3: usize, p4: i32, p5: usize): void;

/** The intersection over union of each box of `a` [N, 4] with each of `b` [M, 4], as torchvision.ops.box_iou ([N, M]). Computed in float32 at least. Two boxes without area give not-a-number. */
export function boxIou(a: Tensor, b: Tensor): Result<Tensor> {
  vision_box_iou(a.handle, b.handle, AREA);
  if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
  return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
}
@external("phasebox:train/vision@0.1.0", "box-iou")
export declare function vision_box_iou(p0: i32, p1: i32, p2: usize): void;

/** The indices of the boxes [N, 4] that remain when each box that overlaps a kept one of a higher score by more than `iou-threshold` is left out; the highest score first (1-d, int64), as torchvision.ops.nms. `scores` are floating point [N], `classes` integers [N]: with classes a box leaves out boxes of its own class alone, as torchvision.ops.batched_nms. At most 32,768 boxes (`too-large`). Copies them to the CPU, compares them there in float32, and syncs. */
export function nms(boxes: Tensor, scores: Tensor, classes: Tensor | null, iouThreshold: f64): Result<Tensor> {
  vision_nms(boxes.handle, scores.handle, classes !== null ? 1 : 0, classes !== null ? classes.handle : 0, iouThreshold, AREA);
  if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
  return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
}
@external("phasebox:train/vision@0.1.0", "nms")
export declare function vision_nms(p0: i32, p1: i32, p2: i32, p3: i32, p4: f64, p5: usize): void;

/** Draws the outlines of boxes [N, 4], which are in pixels. Fractions are cut off, both corners belong to a box, and its line of `width` pixels (1 to 32) grows inward, as torchvision.utils.draw_bounding_boxes. `labels` has one text for each box, or none: it is written into the corner at the top left in the color of its box, as `draw-text` does. At most 1,024 boxes (`too-large`), with labels of at most 256 bytes. A box that is not finite, or whose right or bottom comes before its left or top, is refused. Copies the boxes to the CPU and syncs; the image stays where it is. */
export function drawBoxes(image: Tensor, boxes: Tensor, colors: Array<u32>, width: u32, labels: Array<string>, labelScale: u32): Result<Tensor> {
  const labelsList = texts(labels);
  vision_draw_boxes(image.handle, boxes.handle, colors.dataStart, colors.length, width, changetype<usize>(labelsList), labels.length, labelScale, AREA);
  if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
  return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
}
@external("phasebox:train/vision@0.1.0", "draw-boxes")
export declare function vision_draw_boxes(p0: i32, p1: i32, p2: usize, p3: i32, p4: i32, p5: usize, p6: i32, p7: i32, p8: usize): void;

/** Lays a color over the pixels of each of the boolean masks [N, H, W]: image × (1 − alpha) + color × alpha, for `alpha` from 0 to 1. Where masks overlap, the last one counts, as with torchvision.utils.draw_segmentation_masks; uint8 is rounded. At most 256 masks (`too-large`), one launch for each. Does not sync. */
export function drawMasks(image: Tensor, masks: Tensor, colors: Array<u32>, alpha: f64): Result<Tensor> {
  vision_draw_masks(image.handle, masks.handle, colors.dataStart, colors.length, alpha, AREA);
  if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
  return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
}
@external("phasebox:train/vision@0.1.0", "draw-masks")
export declare function vision_draw_masks(p0: i32, p1: i32, p2: usize, p3: i32, p4: f64, p5: usize): void;

/** Writes text whose first letter has its top left corner at (x, y). Letters are 5 pixels wide and 7 high, 6 and 8 with the gaps, times `scale` (1 to 8). There are the printable characters of ASCII; a line break begins a new line below the first letter, and any other character is a hollow box. At most 4,096 bytes. Does not sync. */
export function drawText(image: Tensor, text: string, x: i32, y: i32, color: u32, scale: u32): Result<Tensor> {
  vision_draw_text(image.handle, changetype<usize>(text), text.length, x, y, color, scale, AREA);
  if (load<u8>(AREA)) return Result.failed<Tensor>(failure(4));
  return Result.of<Tensor>(new Tensor(load<i32>(AREA, 4)));
}
@external("phasebox:train/vision@0.1.0", "draw-text")
export declare function vision_draw_text(p0: i32, p1: usize, p2: i32, p3: i32, p4: i32, p5: i32, p6: i32, p7: usize): void;

/** Takes back handles that are no longer needed: one crossing for all of them, where dropping costs two each. A handle that was made during a call ends with the call, and so does its place in the limit `handles`; what stays is its number, of which a guest may hold 1,000,000 of a kind. The SDKs for Rust, C and JavaScript call this now and then; an author need not. Handles that were kept may be among them. */
export function release(tensors: Array<Tensor>, groups: Array<TensorGroup>): void {
  const tensorsList = handles<Tensor>(tensors);
  untrack<Tensor>(tensors);
  const groupsList = handles<TensorGroup>(groups);
  untrack<TensorGroup>(groups);
  context_release(changetype<usize>(tensorsList), tensors.length, changetype<usize>(groupsList), groups.length);
}
@external("phasebox:train/context@0.1.0", "release")
export declare function context_release(p0: usize, p1: i32, p2: usize, p3: i32): void;

/** Copies a tensor on its device and keeps the copy under `name`. Replaces the previous entry. */
export function storeTensor(name: string, value: Tensor): Failure | null {
  storage_store_tensor(changetype<usize>(name), name.length, value.handle, AREA);
  return load<u8>(AREA) ? failure(4) : null;
}
@external("phasebox:train/storage@0.1.0", "store-tensor")
export declare function storage_store_tensor(p0: usize, p1: i32, p2: i32, p3: usize): void;

/** The kept tensor itself: a change in place changes the entry. None if there is no entry. An entry that is a group is an error. */
export function loadTensor(name: string): Result<Tensor | null> {
  storage_load_tensor(changetype<usize>(name), name.length, AREA);
  if (load<u8>(AREA)) return Result.failed<Tensor | null>(failure(4));
  return Result.of<Tensor | null>(load<u8>(AREA, 4) ? new Tensor(load<i32>(AREA, 8)).lasting() : null);
}
@external("phasebox:train/storage@0.1.0", "load-tensor")
export declare function storage_load_tensor(p0: usize, p1: i32, p2: usize): void;

/** Copies all members of a group, as `store-tensor` does. One launch for each member. */
export function storeGroup(name: string, value: TensorGroup): Failure | null {
  storage_store_group(changetype<usize>(name), name.length, value.handle, AREA);
  return load<u8>(AREA) ? failure(4) : null;
}
@external("phasebox:train/storage@0.1.0", "store-group")
export declare function storage_store_group(p0: usize, p1: i32, p2: i32, p3: usize): void;

/** The kept group itself: a change in place changes the entry. None if there is no entry. An entry that is a single tensor is an error. */
export function loadGroup(name: string): Result<TensorGroup | null> {
  storage_load_group(changetype<usize>(name), name.length, AREA);
  if (load<u8>(AREA)) return Result.failed<TensorGroup | null>(failure(4));
  return Result.of<TensorGroup | null>(load<u8>(AREA, 4) ? new TensorGroup(load<i32>(AREA, 8)).lasting() : null);
}
@external("phasebox:train/storage@0.1.0", "load-group")
export declare function storage_load_group(p0: usize, p1: i32, p2: usize): void;

/** Removes an entry. True if there was one. */
export function forget(name: string): Result<bool> {
  storage_forget(changetype<usize>(name), name.length, AREA);
  if (load<u8>(AREA)) return Result.failed<bool>(failure(4));
  return Result.of<bool>(load<u8>(AREA, 4) != 0);
}
@external("phasebox:train/storage@0.1.0", "forget")
export declare function storage_forget(p0: usize, p1: i32, p2: usize): void;

/** Writes one line to the run's log under the callback's name. Control characters are escaped, and the text is cut after 4 KiB. Lines beyond the limit `log_lines` in a step are left out; one warning then says how many there were. */
export function log(level: Level, text: string): void {
  diagnostics_log(level, changetype<usize>(text), text.length);
}
@external("phasebox:train/diagnostics@0.1.0", "log")
export declare function diagnostics_log(p0: i32, p1: usize, p2: i32): void;

/** Reports the panic or uncaught exception because of which the callback is about to trap. A trap alone loses the message, the source line and the traceback. SDKs call this function, and the run's error then shows all three. */
export function reportFailure(message: string, location: string, traceback: string): void {
  diagnostics_report_failure(changetype<usize>(message), message.length, changetype<usize>(location), location.length, changetype<usize>(traceback), traceback.length);
}
@external("phasebox:train/diagnostics@0.1.0", "report-failure")
export declare function diagnostics_report_failure(p0: usize, p1: i32, p2: usize, p3: i32, p4: usize, p5: i32): void;
