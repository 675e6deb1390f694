// The contract's functions and types. Written by `plugins/sdk/bindings.py` from `wit/`: a change here is lost.

declare module 'phasebox:train/types@0.1.0' {
  /** Why a call was refused. */
  export type ErrorCode = 'invalid-argument' | 'shape-mismatch' | 'dtype-mismatch' | 'device-mismatch' | 'not-available' | 'stale-handle' | 'denied' | 'quota-exceeded' | 'too-large' | 'out-of-memory' | 'unsupported' | 'collective-mismatch' | 'peer-failed' | 'sharded' | 'timed-out' | 'interrupted' | 'conflict' | 'input-output' | 'other';
  /** Element type of a tensor, by PyTorch's name. Tensors of the first ten can be made and have operations. The others describe a tensor that the trainer has, and `other` stands for a type that has no name here, such as a quantized one: to make one of them is a `dtype-mismatch`. */
  export type Dtype = 'uint8' | 'int8' | 'int16' | 'int32' | 'int64' | 'float16' | 'bfloat16' | 'float32' | 'float64' | 'boolean' | 'uint16' | 'uint32' | 'uint64' | 'float8-e4m3fn' | 'float8-e5m2' | 'float8-e4m3fnuz' | 'float8-e5m2fnuz' | 'float8-e8m0fnu' | 'float4-e2m1fn-x2' | 'complex32' | 'complex64' | 'complex128' | 'other';
  /** Severity of a log line. */
  export type Level = 'trace' | 'debug' | 'info' | 'warn' | 'error';
  /** The one error of host functions and callbacks alike. */
  export interface ContractError { code: ErrorCode; message: string; }
  /** The facts about a tensor that are known without reading its data. */
  export interface TensorInfo { shape: BigInt64Array; dtype: Dtype; device: string; requiresGrad: boolean; }
  /** A named number, such as one metric. */
  export interface ScalarEntry { name: string; value: number; }
}

declare module 'phasebox:train/tensor@0.1.0' {
  import type { Dtype, Level, ScalarEntry, TensorInfo } from 'phasebox:train/types@0.1.0';
  /** A number on its way from the device. It outlives the call that made it, works in `save-state` too, and may be dropped before its value has arrived. Once the value has arrived, every `poll` and `wait` returns it. */
  export class Deferred {
    /** The value, or none while it is still on its way. Never syncs. With `deterministic_callbacks: true` it waits instead; that wait needs no grant. */
    poll(): number | undefined;
    /** The value. Syncs if it has not arrived. */
    wait(): number;
  }
  /** One tensor of the trainer or of the callback. */
  export class Tensor {
    /** Shape, dtype, device and requires-grad in one crossing. */
    info(): TensorInfo;
    /** A handle that lasts until it is dropped, charged to the callback's `tensors` limit. A tensor of the trainer is copied on the device, because training goes on to change it. The callback's own results are kept as they are, except views of something larger, which are copied. */
    keep(): Tensor;
    /** The only element, as f64. Syncs. */
    item(): number;
    /** The only element, delivered later. Queues one small copy; the value is that of this moment, whatever is changed in place afterwards. */
    defer(): Deferred;
    /** `length` elements from `offset` on, in row-major order, converted to f32. Copies them to the callback and syncs. At most 4 Mi elements a call (`too-large`): read in pieces. */
    readF32(offset: bigint, length: number): Float32Array;
    /** `length` elements from `offset` on, in row-major order, converted to s64: labels, indices, counts. Copies them to the callback and syncs. At most 2 Mi elements a call (`too-large`): read in pieces. */
    readS64(offset: bigint, length: number): BigInt64Array;
    /** self + alpha × other */
    add(other: Tensor, alpha: number): Tensor;
    /** self − other */
    sub(other: Tensor): Tensor;
    /** self × other */
    mul(other: Tensor): Tensor;
    /** self / other. True division: integers become floats. */
    div(other: Tensor): Tensor;
    /** The larger of both, element by element. */
    maximum(other: Tensor): Tensor;
    /** The smaller of both, element by element. */
    minimum(other: Tensor): Tensor;
    /** self + weight × (end − self) */
    lerp(end: Tensor, weight: number): Tensor;
    /** The angle of the point (other, self) in radians, from −π to π. Integers become floats. */
    atan2(other: Tensor): Tensor;
    /** Limits each element to [min, max], which are tensors. For one bound use `maximum` or `minimum`. Where min is above max, the result is max. */
    clampBetween(min: Tensor, max: Tensor): Tensor;
    /** self × scale + shift, in one crossing. */
    affine(scale: number, shift: number): Tensor;
    /** Each element to the power of `exponent`. */
    pow(exponent: number): Tensor;
    /** Limits each element to [min, max]; give at least one of them. */
    clamp(min: number | undefined, max: number | undefined): Tensor;
    /** −self */
    neg(): Tensor;
    /** The magnitude of each element. */
    abs(): Tensor;
    /** −1, 0 or 1 by the sign of each element. */
    sign(): Tensor;
    /** e to the power of each element. */
    exp(): Tensor;
    /** The natural logarithm. */
    log(): Tensor;
    /** The natural logarithm of 1 + self, exact for small elements. */
    log1p(): Tensor;
    /** e to the power of each element, minus 1; exact for small elements. */
    expm1(): Tensor;
    /** The error function. */
    erf(): Tensor;
    /** The square root. */
    sqrt(): Tensor;
    /** 1 / the square root. */
    rsqrt(): Tensor;
    /** The sine; elements are radians. */
    sin(): Tensor;
    /** The cosine; elements are radians. */
    cos(): Tensor;
    /** The largest whole number that is not above each element. */
    floor(): Tensor;
    /** The nearest whole number; halves go to the even one. */
    round(): Tensor;
    /** The hyperbolic tangent. */
    tanh(): Tensor;
    /** 1 / (1 + exp(−self)) */
    sigmoid(): Tensor;
    /** Each element, or 0 if it is negative. */
    relu(): Tensor;
    /** Softmax over dimension `dim`. A negative dimension counts from the end, here and everywhere. */
    softmax(dim: bigint): Tensor;
    /** The logarithm of the softmax over dimension `dim`. */
    logSoftmax(dim: bigint): Tensor;
    /** The running sum along dimension `dim`. */
    cumsum(dim: bigint): Tensor;
    /** Replaces not-a-number by `nan`, and each infinity by a number. Without a number it is the largest or the smallest that the dtype has. */
    nanToNum(nan: number, positiveInfinity: number | undefined, negativeInfinity: number | undefined): Tensor;
    /** `value` where `mask`, a boolean tensor that broadcasts, is true; elements of `self` elsewhere. A fraction is refused for integers. */
    maskedFill(mask: Tensor, value: number): Tensor;
    /** self = other */
    eq(other: Tensor): Tensor;
    /** self ≠ other */
    ne(other: Tensor): Tensor;
    /** self < other */
    lt(other: Tensor): Tensor;
    /** self ≤ other */
    le(other: Tensor): Tensor;
    /** self > other */
    gt(other: Tensor): Tensor;
    /** self ≥ other */
    ge(other: Tensor): Tensor;
    /** self = value */
    eqScalar(value: number): Tensor;
    /** self ≠ value */
    neScalar(value: number): Tensor;
    /** self < value */
    ltScalar(value: number): Tensor;
    /** self ≤ value */
    leScalar(value: number): Tensor;
    /** self > value */
    gtScalar(value: number): Tensor;
    /** self ≥ value */
    geScalar(value: number): Tensor;
    /** True where an element is neither infinite nor not-a-number. */
    isfinite(): Tensor;
    /** True where an element is not-a-number. */
    isnan(): Tensor;
    /** True where an element is infinite. */
    isinf(): Tensor;
    /** True where an element is zero or false. */
    logicalNot(): Tensor;
    /** True where both are neither zero nor false. */
    logicalAnd(other: Tensor): Tensor;
    /** True where one of both is neither zero nor false. */
    logicalOr(other: Tensor): Tensor;
    /** True where exactly one of both is neither zero nor false. */
    logicalXor(other: Tensor): Tensor;
    /** Elements of `if-true` where `self`, a boolean tensor, is true, and of `if-false` elsewhere (torch.where). */
    choose(ifTrue: Tensor, ifFalse: Tensor): Tensor;
    /** As `choose`, with a number where `self` is true. A whole number keeps the dtype of integers. */
    chooseIfTrueScalar(ifTrue: number, ifFalse: Tensor): Tensor;
    /** As `choose`, with a number where `self` is false. A whole number keeps the dtype of integers. */
    chooseIfFalseScalar(ifTrue: Tensor, ifFalse: number): Tensor;
    /** As `choose`, with a number on both sides (float32). */
    chooseScalars(ifTrue: number, ifFalse: number): Tensor;
    /** The sum over `dims`. Integers and booleans become int64. */
    sum(dims: BigInt64Array | Array<bigint>, keepdim: boolean): Tensor;
    /** The mean over `dims`, of a floating point tensor. */
    mean(dims: BigInt64Array | Array<bigint>, keepdim: boolean): Tensor;
    /** The product over `dims`. Integers and booleans become int64. */
    prod(dims: BigInt64Array | Array<bigint>, keepdim: boolean): Tensor;
    /** The logarithm of the sum of e to the power of each element over `dims`, without overflow. Integers become floats. */
    logsumexp(dims: BigInt64Array | Array<bigint>, keepdim: boolean): Tensor;
    /** The smallest element over `dims`. */
    amin(dims: BigInt64Array | Array<bigint>, keepdim: boolean): Tensor;
    /** The largest element over `dims`. */
    amax(dims: BigInt64Array | Array<bigint>, keepdim: boolean): Tensor;
    /** The standard deviation over `dims`; `unbiased` divides by n − 1. */
    std(dims: BigInt64Array | Array<bigint>, unbiased: boolean, keepdim: boolean): Tensor;
    /** The variance over `dims`; `unbiased` divides by n − 1. */
    var(dims: BigInt64Array | Array<bigint>, unbiased: boolean, keepdim: boolean): Tensor;
    /** The vector p-norm over `dims`; p may be 0 (the count of nonzero elements) or infinite (the largest magnitude). */
    norm(p: number, dims: BigInt64Array | Array<bigint>, keepdim: boolean): Tensor;
    /** True if no element is zero or false (0-d). */
    all(): Tensor;
    /** True if an element is neither zero nor false (0-d). */
    any(): Tensor;
    /** The index of the largest element along dimension `dim` (int64). */
    argmax(dim: bigint, keepdim: boolean): Tensor;
    /** The index of the smallest element along dimension `dim` (int64). */
    argmin(dim: bigint, keepdim: boolean): Tensor;
    /** The median of all elements, the lower one of an even number of them (0-d). It is not-a-number if any element is. A tensor without elements is refused. */
    median(): Tensor;
    /** (values, indices) of the medians along dimension `dim`, as `median` defines them. Of equal elements any may be the one that `indices` names. */
    medianDim(dim: bigint, keepdim: boolean): [Tensor, Tensor];
    /** (values, indices) of all elements along dimension `dim` in order. Equal elements keep their order, and not-a-number counts as the largest. */
    sort(dim: bigint, descending: boolean): [Tensor, Tensor];
    /** (values, indices) of the `k` largest elements along `dim`, largest first. */
    topk(k: number, dim: bigint): [Tensor, Tensor];
    /** The q-quantile (0–1, linear interpolation) of all elements, at most 16 Mi of them (0-d). */
    quantile(q: number): Tensor;
    /** Counts of `bins` equal bins over [min, max], 1 to 65,536 of them (1-d, float32). Elements outside the range are not counted. */
    histogram(bins: number, min: number, max: number): Tensor;
    /** The number of elements that are not zero (0-d, int64). */
    countNonzero(): Tensor;
    /** The number of elements that are infinite or not-a-number (0-d, int64). */
    countNonfinite(): Tensor;
    /** The entries `indices` (1-d) of dimension `dim`. */
    indexSelect(dim: bigint, indices: Tensor): Tensor;
    /** The element of dimension `dim` that `indices` names, for each of them: for `dim` 1 of two, result[i][j] = self[i][indices[i][j]]. Has the shape of `indices`, which has as many dimensions as `self` and is nowhere longer, but along `dim`. */
    gather(dim: bigint, indices: Tensor): Tensor;
    /** A copy of `self` in which elements of `source` replace those that `indices` names along `dim`: for `dim` 1 of two, result[i][indices[i][j]] = source[i][j]. `indices` is nowhere longer than `source`, nor than `self` but along `dim`; the dtypes are equal. Of several elements for one place any may be the last. */
    scatter(dim: bigint, indices: Tensor, source: Tensor): Tensor;
    /** As `scatter`, with one number for every place. A fraction is refused for integers. */
    scatterScalar(dim: bigint, indices: Tensor, value: number): Tensor;
    /** As `scatter`, but elements of `source` are added. On a GPU the order of several additions to one place, and so the last bits of their sum, can differ from run to run. */
    scatterAdd(dim: bigint, indices: Tensor, source: Tensor): Tensor;
    /** The elements where `mask`, a boolean tensor, is true, in row-major order (1-d). Both broadcast. Syncs, since the device decides how many there are. */
    maskedSelect(mask: Tensor): Tensor;
    /** The places of elements that are neither zero nor false: one row for each of them, with one index for each dimension (2-d, int64), in row-major order. Syncs, since the device decides how many there are. */
    nonzero(): Tensor;
    /** The elements in another shape; one length may be −1. A view where possible, otherwise a copy. */
    reshape(shape: BigInt64Array | Array<bigint>): Tensor;
    /** A view with the dimensions in the order `dims`. */
    permute(dims: BigInt64Array | Array<bigint>): Tensor;
    /** A view with two dimensions exchanged. */
    transpose(dim0: bigint, dim1: bigint): Tensor;
    /** A view without dimension `dim`, if its length is 1. */
    squeeze(dim: bigint): Tensor;
    /** A view with a new dimension of length 1 at `dim`. */
    unsqueeze(dim: bigint): Tensor;
    /** A view that repeats dimensions of length 1 without copying. */
    expand(shape: BigInt64Array | Array<bigint>): Tensor;
    /** A view of `length` entries of dimension `dim` from `start` on. */
    narrow(dim: bigint, start: bigint, length: bigint): Tensor;
    /** A view of entry `index` of dimension `dim`, without that dimension. */
    select(dim: bigint, index: bigint): Tensor;
    /** The entries of dimensions `dims` in reverse order. A copy. */
    flip(dims: BigInt64Array | Array<bigint>): Tensor;
    /** The entries of `dim` moved by `shift`; entries that leave one end enter at the other. A copy. */
    roll(shift: bigint, dim: bigint): Tensor;
    /** A copy with more entries around. `padding` has the number before and after for the last dimension, then for the one before it, and so on, each at least 0. `mode` says what the new entries are: `constant` (`value`), `reflect` (mirrored, without the edge), `replicate` (the edge) or `circular` (from the other end). All but `constant` pad the last 1 to 3 dimensions, of a tensor with 1 or 2 dimensions more, and take `value` 0 alone. `reflect` needs a dimension longer than its padding, `circular` one at least as long. */
    pad(padding: BigInt64Array | Array<bigint>, mode: string, value: number): Tensor;
    /** Images [N, C, H, W] in another size. `mode` is `nearest`, `bilinear` or `bicubic`, with PyTorch's `align_corners=False` and without antialiasing. For floating point tensors; `nearest` also takes uint8. */
    interpolate(height: number, width: number, mode: string): Tensor;
    /** The matrix product as torch.matmul, batches included. At most 2³⁵ multiplications a call (`too-large`). */
    matmul(other: Tensor): Tensor;
    /** Integer classes to {0, 1} in a new last dimension (float32), for 1 to 65,536 classes. A value outside 0..num-classes gives a row of zeros, never a device fault. */
    oneHot(numClasses: number): Tensor;
    /** The elements as another dtype. A view if the dtype is the same. */
    toDtype(dtype: Dtype): Tensor;
    /** The tensor on "cpu", "cuda:0", or "" for the run's device. Syncs on the way to the CPU. A view if the device is the same. */
    toDevice(device: string): Tensor;
    /** The elements in row-major order in memory. A view if they are already. */
    contiguous(): Tensor;
    /** A view that autograd does not follow. */
    detach(): Tensor;
    /** A copy on the same device, which ends with the call like every result. */
    duplicate(): Tensor;
    /** self ← source, which broadcasts. Converts the dtype. */
    copyInPlace(source: Tensor): void;
    /** self ← self + alpha × other */
    addInPlace(other: Tensor, alpha: number): void;
    /** self ← self × other */
    mulInPlace(other: Tensor): void;
    /** self ← self × scale + shift */
    affineInPlace(scale: number, shift: number): void;
    /** self ← self + weight × (end − self) */
    lerpInPlace(end: Tensor, weight: number): void;
    /** Limits each element to [min, max]; give at least one of them. */
    clampInPlace(min: number | undefined, max: number | undefined): void;
    /** Sets every element to `value`. */
    fillInPlace(value: number): void;
    /** Fills a floating point tensor with normal noise. It comes from the callback's own generator, so the run's own random numbers do not change. The host draws the numbers on the CPU and copies them to the device. Grant `random`, and the grant of the tensor that is changed. */
    normalInPlace(mean: number, std: number): void;
    /** Sets elements to `value` where `mask`, a boolean tensor that broadcasts, is true. */
    maskedFillInPlace(mask: Tensor, value: number): void;
  }
  /** Many named tensors in one crossing, on multi-tensor kernels: parameters, gradients, a copy of them. An operation counts as one launch, however many members there are. Changing the group in place needs the grant of its members. On a group without members an operation does nothing. */
  export class TensorGroup {
    /** Names of the members, in the order of all functions here. */
    names(): Array<string>;
    /** The number of members. */
    len(): number;
    /** One member by its name, with the grant of the group. */
    get(name: string): Tensor;
    /** The members whose names match a glob, such as `backbone.*`. They are views. */
    matching(glob: string): TensorGroup;
    /** A copy on the same device that lasts until it is dropped, charged to `tensors`. One launch for each member. */
    duplicate(): TensorGroup;
    /** The number of elements of all members together. */
    numel(): bigint;
    /** The p-norm over all elements of all members (0-d). */
    norm(p: number): Tensor;
    /** The p-norm of each member, in the order of `names` (1-d). */
    norms(p: number): Tensor;
    /** The distance of the members from those of `before` at the same position, as a share of these: the p-norm of all differences, divided by the p-norm of `before`, which counts as 1e-12 at least (0-d). How far a step moves the weights. Both groups must have the same shapes and dtypes, which are floating point. */
    relativeChange(before: TensorGroup, p: number): Tensor;
    /** The number of elements that are infinite or not-a-number (0-d, int64). */
    countNonfinite(): Tensor;
    /** Scales all members so that their common p-norm is at most `max-norm`. Returns the norm before (0-d) and does not sync. torch.nn.utils.clip_grad_norm_. */
    clipNormInPlace(maxNorm: number, p: number): Tensor;
    /** Limits every element to [−limit, limit]. torch.nn.utils.clip_grad_value_. */
    clipValueInPlace(limit: number): void;
    /** member ← member × scale + shift */
    affineInPlace(scale: number, shift: number): void;
    /** member ← member × factor, a single number that is still on the device. */
    mulInPlace(factor: Tensor): void;
    /** member ← member + alpha × the member of `other` at the same position. Both groups must have the same shapes and dtypes. */
    addInPlace(other: TensorGroup, alpha: number): void;
    /** member ← member + weight × (end − member), with the member of `end` at the same position. Members that are not floating point, such as counts of batches, are copied from `end`; each of them is one more launch. */
    lerpInPlace(end: TensorGroup, weight: number): void;
    /** member ← the member of `source` at the same position. */
    copyInPlace(source: TensorGroup): void;
    /** Exchanges the values of both groups by a copy on the device. Needs the grants of both. */
    swapInPlace(other: TensorGroup): void;
  }
  /** Zeros. */
  export function zeros(shape: BigInt64Array | Array<bigint>, dtype: Dtype, device: string): Tensor;
  /** Every element is `value`. */
  export function full(shape: BigInt64Array | Array<bigint>, value: number, dtype: Dtype, device: string): Tensor;
  /** start, start + step, … below end (1-d). */
  export function arange(start: number, end: number, step: number, dtype: Dtype, device: string): Tensor;
  /** Uniform in [0, 1), float32. `rand`, `randn` and `randperm` draw from the callback's own generator, which is seeded by the run's seed and the callback's name and saved in checkpoints: a seed gives the same numbers in every run, on every device. The host draws on the CPU and copies to the device. Grant `random`. */
  export function rand(shape: BigInt64Array | Array<bigint>, device: string): Tensor;
  /** Standard normal, float32. Grant `random`. */
  export function randn(shape: BigInt64Array | Array<bigint>, device: string): Tensor;
  /** A random order of 0..n (1-d, int64). Grant `random`. */
  export function randperm(n: number, device: string): Tensor;
  /** Copies float32 values to the device. Their number must be the product of `shape`. */
  export function fromF32(shape: BigInt64Array | Array<bigint>, values: Float32Array | Array<number>, device: string): Tensor;
  /** Copies int64 values to the device. Their number must be the product of `shape`. */
  export function fromS64(shape: BigInt64Array | Array<bigint>, values: BigInt64Array | Array<bigint>, device: string): Tensor;
  /** The tensors joined along an existing dimension. 1 to 4,096 tensors. */
  export function cat(tensors: Array<Tensor>, dim: bigint): Tensor;
  /** The tensors joined along a new dimension. 1 to 4,096 tensors. */
  export function stack(tensors: Array<Tensor>, dim: bigint): Tensor;
}

declare module 'phasebox:train/vision@0.1.0' {
  import type { Dtype, Level, ScalarEntry, TensorInfo } from 'phasebox:train/types@0.1.0';
  import type { Tensor, TensorGroup } from 'phasebox:train/tensor@0.1.0';
  /** Boxes [..., 4] in another format, as torchvision.ops.box_convert. A copy. */
  export function boxConvert(boxes: Tensor, inFormat: string, outFormat: string): Tensor;
  /** The intersection over union of each box of `a` [N, 4] with each of `b` [M, 4], as torchvision.ops.box_iou ([N, M]). Computed in float32 at least. Two boxes without area give not-a-number. */
  export function boxIou(a: Tensor, b: Tensor): Tensor;
  /** The indices of the boxes [N, 4] that remain when each box that overlaps a kept one of a higher score by more than `iou-threshold` is left out; the highest score first (1-d, int64), as torchvision.ops.nms. `scores` are floating point [N], `classes` integers [N]: with classes a box leaves out boxes of its own class alone, as torchvision.ops.batched_nms. At most 32,768 boxes (`too-large`). Copies them to the CPU, compares them there in float32, and syncs. */
  export function nms(boxes: Tensor, scores: Tensor, classes: Tensor | undefined, iouThreshold: number): Tensor;
  /** Draws the outlines of boxes [N, 4], which are in pixels. Fractions are cut off, both corners belong to a box, and its line of `width` pixels (1 to 32) grows inward, as torchvision.utils.draw_bounding_boxes. `labels` has one text for each box, or none: it is written into the corner at the top left in the color of its box, as `draw-text` does. At most 1,024 boxes (`too-large`), with labels of at most 256 bytes. A box that is not finite, or whose right or bottom comes before its left or top, is refused. Copies the boxes to the CPU and syncs; the image stays where it is. */
  export function drawBoxes(image: Tensor, boxes: Tensor, colors: Uint32Array | Array<number>, width: number, labels: Array<string>, labelScale: number): Tensor;
  /** Lays a color over the pixels of each of the boolean masks [N, H, W]: image × (1 − alpha) + color × alpha, for `alpha` from 0 to 1. Where masks overlap, the last one counts, as with torchvision.utils.draw_segmentation_masks; uint8 is rounded. At most 256 masks (`too-large`), one launch for each. Does not sync. */
  export function drawMasks(image: Tensor, masks: Tensor, colors: Uint32Array | Array<number>, alpha: number): Tensor;
  /** Writes text whose first letter has its top left corner at (x, y). Letters are 5 pixels wide and 7 high, 6 and 8 with the gaps, times `scale` (1 to 8). There are the printable characters of ASCII; a line break begins a new line below the first letter, and any other character is a hollow box. At most 4,096 bytes. Does not sync. */
  export function drawText(image: Tensor, text: string, x: number, y: number, color: number, scale: number): Tensor;
}

declare module 'phasebox:train/context@0.1.0' {
  import type { Dtype, Level, ScalarEntry, TensorInfo } from 'phasebox:train/types@0.1.0';
  import type { Tensor, TensorGroup } from 'phasebox:train/tensor@0.1.0';
  /** The network in training, or its moving average. */
  export class Model {
    /** "mlp", "resnet18", "torchscript", … */
    architecture(): string;
    /** The parameters that the optimizer trains, by name, frozen ones included: always the same members in the same order. Changing them in place needs grant `parameters`. */
    parameters(): TensorGroup;
    /** The gradients of the parameters that have one: from on-train-batch-backward-end to on-train-batch-optimizer-stepped; zeros afterwards. Under accumulation they are the sum so far. Always unscaled. Changing them needs grant `gradients`. The moving average has none: `not-available`. */
    gradients(): TensorGroup;
    /** The tensors that are saved but not trained, such as running means. Changing them in place needs grant `parameters`. */
    buffers(): TensorGroup;
    /** Freezes the parameters whose name matches the glob, from the next batch on, and zeroes their gradients. Returns how many match. Grant `parameters`. */
    freeze(glob: string): number;
    /** Lets the parameters whose name matches the glob learn again, from the next batch on. Returns how many match. Grant `parameters`. */
    unfreeze(glob: string): number;
    /** True if the parameter of this name learns, false if it is frozen. */
    requiresGrad(parameter: string): boolean;
    /** An extra pass: predictions for `inputs`, one tensor for each member of `inputs-group`, in its order, each with at most the elements that a full batch of the loaders has (`too-large`). At every phase. In mode "evaluation" dropout keeps everything and batch normalization uses its running statistics; in mode "train" dropout drops and the statistics of the inputs are used. In both, running statistics and the run's random numbers stay as they were; dropout draws from the callback's own generator. Records no gradients, and does not wait for the device. Counts as one of `passes`. Grant `passes`. */
    forward(inputs: Array<Tensor>, mode: string): TensorGroup;
  }
  /** The optimizer. Its parameter groups are named. As a `group`, "" means all groups: a function that sets sets each, and a function that reads a number answers the one that all share. If they differ it is refused (`invalid-argument`), and the message has each group's number. */
  export class Optimizer {
    /** "SGD", "Adam", "AdamW" or "RMSprop". */
    name(): string;
    /** Names of the parameter groups, in the order of the recipe. */
    groupNames(): Array<string>;
    /** The learning rate that the next step uses. */
    learningRate(group: string): number;
    /** Sets the learning rate. The rate stays until the recipe's schedule next changes its value. With `lr_mode: constant` it stays for the rest of the run. The schedule is applied before on-epoch-start and before on-train-batch-gradient-step-end. Grant `optimizer`. */
    setLearningRate(group: string, value: number): void;
    /** "momentum", "weight_decay", "beta1", "eps", …: the names the optimizer has. */
    hyperparameter(group: string, name: string): number;
    /** Sets a hyperparameter. A value outside its meaningful range is refused. Grant `optimizer`. */
    setHyperparameter(group: string, name: string, value: number): void;
    /** The optimizer's tensors of one kind, such as "momentum_buffer" or "exp_avg", by parameter name. Changing them in place needs grant `optimizer`. `unsupported` is reserved for runs whose processes hold different parts of the state; there is none yet. */
    state(name: string): TensorGroup;
    /** `state` for the parameters of one group alone; "" is `state`. */
    groupState(group: string, name: string): TensorGroup;
    /** The kinds that `state` knows, such as "exp_avg"; empty if the optimizer keeps nothing. */
    stateNames(): Array<string>;
    /** Names of the parameters of a group; "" means of all groups, one after the other. */
    parameterNames(group: string): Array<string>;
  }
  /** The loss function. Values are JSON: a stage switch sets `label_smoothing` to `0.0`. */
  export class Criterion {
    /** The name in the recipe, such as "CrossEntropyLoss". */
    name(): string;
    /** The keys that `get` and `set` know. */
    parameters(): Array<string>;
    /** The value of a parameter, as JSON. */
    get(key: string): string;
    /** Sets a parameter, from the next batch on. The value is saved in checkpoints. Grant `criterion`. */
    set(key: string, value: string): void;
  }
  /** A data loader. Values are JSON: a stage switch sets `horizontal_flip` to `0.0`. */
  export class DataLoader {
    /** "train", "validation" or "test". */
    name(): string;
    /** Batches in one epoch. */
    batches(): bigint;
    /** Samples in one epoch. */
    samples(): bigint;
    /** Samples in one batch; the last batch of an epoch may have fewer. */
    batchSize(): number;
    /** The keys that `get` and `set` know. */
    parameters(): Array<string>;
    /** The value of a parameter, as JSON. */
    get(key: string): string;
    /** Sets a parameter, from the loader's next start on. The value is saved in checkpoints. Grant `loaders`. */
    set(key: string, value: string): void;
  }
  /** The running metrics of one split. */
  export class Metrics {
    /** The names of the loss items, then those of the metrics. */
    names(): Array<string>;
    /** The values over the batches so far, the mean loss among them. Syncs. */
    compute(): Array<ScalarEntry>;
  }
  /** All loggers of the run at once (metrics.jsonl, TensorBoard). A name appears as `<callback>/<name>` at the current global step. The number of distinct names is limited. */
  export class Logger {
    /** Logs a number. */
    scalar(name: string, value: number): void;
    /** Logs a tensor with one element. Queues one small copy; the value is written once it has arrived. */
    scalarTensor(name: string, value: Tensor): void;
    /** Logs the counts of `bins` equal bins between the smallest and the largest element; 1 to 1,024 bins. Syncs. */
    histogram(name: string, values: Tensor, bins: number): void;
    /** Logs an image: [H, W], [C, H, W] or [N, C, H, W] with 1 or 3 channels, float in 0–1 or uint8. A batch becomes a grid. At most 16 Mi elements. Copies to the CPU: syncs. */
    image(name: string, image: Tensor): void;
    /** Logs a text. Cut after 4 KiB. */
    text(name: string, text: string): void;
    /** Writes a file to the callback's own folder of the run and replaces a file of that name. A name has up to 128 bytes of letters, digits and ` ._-+=,@()[]#%`; it neither begins with a dot nor ends with a dot or a space. Grant `files`. */
    artifact(fileName: string, data: Uint8Array | Array<number>): void;
    /** Writes an image as a PNG to the callback's own folder. Names are those of `artifact`, and tensors those of `image`. Syncs. Grant `files`. */
    imageFile(fileName: string, image: Tensor): void;
  }
  /** The state of training, lent for one call. A value that does not exist yet at this phase is `none`, or the error `not-available`, whose message names the first phase that has it. */
  export class PhaseContext {
    /** The phase's name as exported, such as "on-train-batch-end". */
    phase(): string;
    /** From 0; none before the first epoch. During average-best-models it is the last epoch. */
    epoch(): number | undefined;
    /** From 0 within the loader in progress; none between loaders. */
    batchIdx(): bigint | undefined;
    /** Optimizer steps done. */
    globalStep(): bigint;
    /** Training samples seen, over all epochs. */
    samplesSeen(): bigint;
    /** Epochs of the whole run. */
    maxEpochs(): number;
    /** Optimizer steps in one epoch, with the present accumulation. */
    stepsPerEpoch(): bigint;
    /** Optimizer steps in the whole run, with the present accumulation. */
    maxSteps(): bigint;
    /** `epoch`, `batch-idx` and `global-step` in one crossing. */
    position(): [number | undefined, bigint | undefined, bigint];
    /** `global-step` and `max-steps` in one crossing. */
    progress(): [bigint, bigint];
    /** True in the last batch of the loader in progress. */
    isLastBatch(): boolean;
    /** True if this batch completes an accumulation: an optimizer step follows or has happened. */
    isAccumulationBoundary(): boolean;
    /** Seconds since training started, including the parts before a resume. Without grant `clock`, and with `deterministic_callbacks: true` in the recipe, this is the number of optimizer steps done: a clock of one second a step that is the same in every run. */
    elapsedSeconds(): number;
    /** The number of this process among all. Always 0 today: a run is one process. */
    rank(): number;
    /** The number of this process on its machine. Always 0 today: a run is one process. */
    localRank(): number;
    /** The number of processes in the run. Always 1 today: a run is one process. */
    worldSize(): number;
    /** The recipe's seed. */
    seed(): bigint;
    /** Samples in the batch: its weight in every mean. 0 between batches. */
    batchSize(): bigint;
    /** [N, …] on the run's device. Changing it in place needs grant `inputs`. */
    inputs(): Tensor;
    /** All inputs by name, in declared order. Changing them in place needs grant `inputs`. */
    inputsGroup(): TensorGroup;
    /** Classes [N] int64, or values [N, …] float32. Where samples have different numbers of things, such as boxes, it is [M, k]: the first column is the sample's index, and −1 in rows that hold nothing. Changing it in place needs grant `target`. */
    target(): Tensor;
    /** All targets by name, in declared order. Changing them in place needs grant `target`. */
    targetGroup(): TensorGroup;
    /** The output of the network: from on-train-batch-forward-end, and at on-validation-batch-end and on-test-batch-end. It cannot be changed in place. */
    preds(): Tensor;
    /** All outputs of the network by name, in declared order, at the same phases. A network may have other outputs in training than in evaluation. They cannot be changed in place. */
    predsGroup(): TensorGroup;
    /** The loss (0-d): from on-train-batch-loss-end, and at on-validation-batch-end and on-test-batch-end. A skipped batch has no loss: at its on-train-batch-end `loss`, `preds` and `loss-log-items` are `not-available`. Changing it in place needs grant `loss`. */
    loss(): Tensor;
    /** The loss and its parts, detached: one element for each of `loss-logging-items-names`. */
    lossLogItems(): Tensor;
    /** "loss" for the whole, then the names of its parts. */
    lossLoggingItemsNames(): Array<string>;
    /** Names of the tensors that the data set gives beside inputs and target. */
    additionalBatchItems(): Array<string>;
    /** One of these tensors. Changing it in place needs grant `inputs`. */
    additionalBatchItem(name: string): Tensor;
    /** The network in training. */
    net(): Model;
    /** The moving average of the network, with `ema: true` in the recipe. */
    emaModel(): Model;
    /** The optimizer. */
    optimizer(): Optimizer;
    /** The loss function. */
    criterion(): Criterion;
    /** The loader of the training data. */
    trainLoader(): DataLoader;
    /** The loader of the validation data. */
    validLoader(): DataLoader;
    /** The loader of the test data, if the recipe has a test set. */
    testLoader(): DataLoader;
    /** The loggers of the run. */
    sgLogger(): Logger;
    /** `net.parameters`. */
    parameters(): TensorGroup;
    /** `net.gradients`. */
    gradients(): TensorGroup;
    /** `net.buffers`. */
    buffers(): TensorGroup;
    /** `net.gradients` and `clip-norm-in-place`: answers the norm before (0-d), does not sync. Grant `gradients`. */
    clipGradients(maxNorm: number, p: number): Tensor;
    /** `clip-gradients`, and `log-scalar-tensor` of the norm before: without a tensor to drop. Grant `gradients`. */
    clipAndLogGradients(maxNorm: number, p: number, name: string): void;
    /** `optimizer.learning-rate`. */
    learningRate(group: string): number;
    /** `optimizer.set-learning-rate`. Grant `optimizer`. */
    setLearningRate(group: string, value: number): void;
    /** `sg-logger.scalar`. */
    logScalar(name: string, value: number): void;
    /** `sg-logger.scalar` for each of at most 1,024 numbers, in order. It ends at the first that is refused; those before it are logged. */
    logScalars(values: Array<ScalarEntry>): void;
    /** `sg-logger.scalar-tensor`. */
    logScalarTensor(name: string, value: Tensor): void;
    /** The metrics last computed, under the names that are logged: train from on-train-loader-end, validation from on-validation-loader-end, test from on-test-loader-end. Those that callbacks have published follow. */
    metricsDict(): Array<ScalarEntry>;
    /** One value of `metrics-dict`. */
    metric(name: string): number | undefined;
    /** Publishes a number as the metric `<callback>/<name>`: it is logged, is in `metrics-dict` until that is computed anew, and may be the recipe's `metric_to_watch`, which decides about the best epoch, its checkpoint and `average_best_models`. At on-train-loader-end, on-validation-loader-end and on-test-loader-end. Another value for the same name replaces the first. At most 256 names a callback, under the rules and limits of `logger.scalar`. To be watched a name must be among the `metrics` of `describe`, and the callback must publish it at every on-validation-loader-end: a missing value ends the run as failed. A value that is not a number is never the best. */
    publishMetric(name: string, value: number): void;
    /** `publish-metric` with the value of a tensor of one element. Syncs. */
    publishMetricTensor(name: string, value: Tensor): void;
    /** The running metrics of the split in progress: train, validation or test. */
    metricsComputeFn(): Metrics;
    /** The running validation metrics. */
    validMetrics(): Metrics;
    /** The values of a metric over this batch alone, where `preds` exist. The metric is JSON, as an entry of the recipe's `valid_metrics_list` has it: `"Accuracy"`, or `{"TopK": {"k": 3}}`; the recipe need not list it. The running metrics stay as they are. Syncs. */
    batchMetric(metric: string): Array<ScalarEntry>;
    /** The mean loss of the split so far (0-d, on the device). Starts kernels. */
    lossAvgMeter(): Tensor;
    /** The name of the metric that decides which epoch is best. */
    metricToWatch(): string;
    /** True if a higher value of that metric is better. */
    greaterMetricToWatchIsBetter(): boolean;
    /** The best value of that metric so far. */
    bestMetric(): number | undefined;
    /** The epoch of that value. */
    bestEpoch(): number | undefined;
    /** Epochs of the recipe's own warm-up. */
    lrWarmupEpochs(): number;
    /** "cpu" or "cuda:0". */
    device(): string;
    /** The recipe's `experiment_name`. */
    experimentName(): string;
    /** The path of the run's folder, to show and not to open: files go through the logger. */
    ckptDir(): string;
    /** The recipe's `training_hyperparams`. */
    trainingParams(): string;
    /** The recipe's `checkpoint_params`. */
    checkpointParams(): string;
    /** The recipe's `arch_params`. */
    archParams(): string;
    /** The recipe's `architecture`. */
    architecture(): string;
    /** True if the recipe asks for no output on ranks other than 0. */
    ddpSilentMode(): boolean;
    /** True once a callback has requested a stop. */
    stopTraining(): boolean;
    /** The end of what the phase is about. At on-train-batch-end: "stepped", "accumulated", "skipped-batch", "skipped-backward" or "skipped-step". At on-training-end: "completed", "stopped: <reason>", "interrupted" or "failed: <error>". At on-exception: the error. At on-interrupt: the signal. None at all other phases. */
    outcome(): string | undefined;
    /** At on-…-batch-start: a tensor on the run's device with as many samples as the batch, in place of the only input. Grant `inputs`. */
    setInputs(value: Tensor): void;
    /** The same for the input of that name. Grant `inputs`. */
    setInputsItem(name: string, value: Tensor): void;
    /** At on-…-batch-start and on-train-batch-forward-end: a tensor on the run's device with as many samples as the batch, in place of the only target. A target whose rows are not samples may get another number of rows. Grant `target`. */
    setTarget(value: Tensor): void;
    /** The same for the target of that name. Grant `target`. */
    setTargetItem(name: string, value: Tensor): void;
    /** At on-train-batch-loss-end: one element, made from the loss or the predictions so that gradients reach the parameters. Grant `loss`. */
    setLoss(value: Tensor): void;
    /** At on-train-batch-gradient-step-start: replaces the gradients by those of the batch at the present parameters, by a forward pass, a loss and a backward pass in training mode. Returns the loss of this pass (0-d); `preds` and `loss` stay as they are. For sharpness-aware minimization, change the parameters before and put them back after. The loss is the recipe's: what `set-loss` has replaced is not repeated, and dropout draws anew. `unsupported` where several batches make one step. Grant `gradients` too. */
    repeatBackward(): Tensor;
    /** At on-train-batch-loss-end: the mean over samples of (‖∂ Σ preds / ∂ inputs‖₂ − norm)² at `inputs`, given as for `model.forward` (0-d). In mode "train"; the sum is over all predictions, and the norm over all inputs of a sample together. Gradients reach the parameters through it: add it to the loss and give that to `set-loss`. */
    gradientPenalty(inputs: Array<Tensor>, norm: number): Tensor;
    /** Ends training after the current "batch", "step" (optimizer step) or "epoch". An epoch that is cut short is not validated. The earliest of several requests counts. Grant `stop`. */
    requestStop(at: string, reason: string): void;
    /** Ends training if the value is above the threshold, at the batch after the value has arrived. At most 256 values wait at one time. Grant `stop`. */
    stopIfAbove(value: Tensor, threshold: number, reason: string): void;
    /** Ends training if the value is infinite or not-a-number, at the batch after the value has arrived. At most 256 values wait at one time. Grant `stop`. */
    stopIfNonfinite(value: Tensor, reason: string): void;
    /** Ends the training part of this epoch; validation and the next epoch follow. Grant `stop`. */
    stopEpoch(reason: string): void;
    /** At on-train-batch-start: neither forward nor backward for this batch. Grant `skip`. */
    skipBatch(reason: string): void;
    /** Up to on-train-batch-loss-end: no backward for this batch. Grant `skip`. */
    skipBackward(reason: string): void;
    /** Up to on-train-batch-gradient-ready: gradients are cleared instead of used. Grant `skip`. */
    skipStep(reason: string): void;
    /** Validates after this batch. Grant `validate`. */
    requestValidation(): void;
    /** Saves a checkpoint `ckpt_<tag>` after this batch. A tag has 1 to 64 letters, digits, `_` and `-`. The trainer's own tags (`latest`, `best`, `best_…`, `error`, `epoch_…`) are refused. Grant `checkpoint`. */
    requestCheckpoint(tag: string): void;
    /** Sets how many batches make one optimizer step, from the next step on. Grant `optimizer`. */
    setAccumulation(batches: number): void;
    /** Ends the calls of this callback for the rest of the run, except those that save its state. */
    disableSelf(reason: string): void;
    /** Ends the run as failed, whatever the recipe's `on_error` says. Grant `stop`. */
    abort(reason: string): void;
  }
  /** Takes back handles that are no longer needed: one crossing for all of them, where dropping costs two each. A handle that was made during a call ends with the call, and so does its place in the limit `handles`; what stays is its number, of which a guest may hold 1,000,000 of a kind. The SDKs for Rust, C and JavaScript call this now and then; an author need not. Handles that were kept may be among them. */
  export function release(tensors: Array<Tensor>, groups: Array<TensorGroup>): void;
}

declare module 'phasebox:train/storage@0.1.0' {
  import type { Dtype, Level, ScalarEntry, TensorInfo } from 'phasebox:train/types@0.1.0';
  import type { Tensor, TensorGroup } from 'phasebox:train/tensor@0.1.0';
  /** Copies a tensor on its device and keeps the copy under `name`. Replaces the previous entry. */
  export function storeTensor(name: string, value: Tensor): void;
  /** The kept tensor itself: a change in place changes the entry. None if there is no entry. An entry that is a group is an error. */
  export function loadTensor(name: string): Tensor | undefined;
  /** Copies all members of a group, as `store-tensor` does. One launch for each member. */
  export function storeGroup(name: string, value: TensorGroup): void;
  /** The kept group itself: a change in place changes the entry. None if there is no entry. An entry that is a single tensor is an error. */
  export function loadGroup(name: string): TensorGroup | undefined;
  /** Removes an entry. True if there was one. */
  export function forget(name: string): boolean;
}

declare module 'phasebox:train/diagnostics@0.1.0' {
  import type { Dtype, Level, ScalarEntry, TensorInfo } from 'phasebox:train/types@0.1.0';
  import type { Tensor, TensorGroup } from 'phasebox:train/tensor@0.1.0';
  /** Writes one line to the run's log under the callback's name. Control characters are escaped, and the text is cut after 4 KiB. Lines beyond the limit `log_lines` in a step are left out; one warning then says how many there were. */
  export function log(level: Level, text: string): void;
  /** Reports the panic or uncaught exception because of which the callback is about to trap. A trap alone loses the message, the source line and the traceback. SDKs call this function, and the run's error then shows all three. */
  export function reportFailure(message: string, location: string, traceback: string): void;
}
