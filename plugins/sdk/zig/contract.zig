//! The contract's functions and types. Written by `plugins/sdk/bindings.py` from `wit/`: a change here is lost.
//!
//! Texts and lists that the host gives last until the call ends. So do made_tensors and made_groups, unless they were kept.
const std = @import("std");

/// Answers of the host that need more than one value of WebAssembly.
var area: [64]u8 align(8) = undefined;
/// Memory of the call in progress.
var arena = std.heap.ArenaAllocator.init(std.heap.wasm_allocator);
/// Handles that end with the call.
var made_tensors: std.ArrayList(i32) = .empty;
var made_groups: std.ArrayList(i32) = .empty;
/// The host's words for the last error.
var last_message: []const u8 = "";

/// Memory that is freed when the call ends.
pub fn allocator() std.mem.Allocator {
    return arena.allocator();
}

/// The message of the host's last error. It lasts until the call ends.
pub fn lastMessage() []const u8 {
    return last_message;
}

/// Sets the words that go with an error that the callback returns.
pub fn say(message: []const u8) void {
    last_message = message;
}

/// Gives back what the call has not kept. The last thing before a call returns.
pub fn endCall(ctx: ?i32) void {
    if (made_tensors.items.len + made_groups.items.len > 0) {
        core.context_release(@intFromPtr(made_tensors.items.ptr), @intCast(made_tensors.items.len), @intFromPtr(made_groups.items.ptr), @intCast(made_groups.items.len));
        made_tensors.clearRetainingCapacity();
        made_groups.clearRetainingCapacity();
    }
    if (ctx) |handle| core.drop_phase_context(handle);
}

/// Frees the memory of the call before. The first thing in a call; what a call returns must last until the next.
pub fn beginCall() void {
    last_message = "";
}

/// Frees what the previous call left. Not before the arguments of this call were read.
pub fn freeMemory() void {
    _ = arena.reset(.{ .retain_with_limit = 1 << 20 });
}

/// The place of an error's code among all codes.
pub fn codeOf(failure: anyerror) u8 {
    for (errors, 0..) |known, code| if (known == failure) return @intCast(code);
    return errors.len - 1;
}

export fn cabi_realloc(old: usize, old_size: usize, alignment: usize, size: usize) usize {
    const log2: std.mem.Alignment = @enumFromInt(std.math.log2_int(usize, @max(alignment, 8)));
    const memory = arena.allocator().rawAlloc(@max(size, 1), log2, @returnAddress()) orelse @panic("no memory is left");
    if (old_size > 0) @memcpy(memory[0..old_size], @as([*]u8, @ptrFromInt(old))[0..old_size]);
    return @intFromPtr(memory);
}

fn failed(at: usize) Error {
    last_message = list(u8, at + 4);
    return errors[area[at]];
}

fn load(comptime T: type, at: usize) T {
    return std.mem.bytesToValue(T, area[at..][0..@sizeOf(T)]);
}

fn list(comptime T: type, at: usize) []const T {
    const length = load(usize, at + 4);
    if (length == 0) return &.{};
    return @as([*]const T, @ptrFromInt(load(usize, at)))[0..length];
}

/// A text as the host lays it out.
const Text = extern struct { at: usize, length: usize };
const Entry = extern struct { name: Text, value: f64 };

fn shown(given: []const u8) Text {
    return .{ .at = @intFromPtr(given.ptr), .length = given.len };
}

fn seen(given: Text) []const u8 {
    return if (given.length == 0) "" else @as([*]const u8, @ptrFromInt(given.at))[0..given.length];
}

fn textList(at: usize) []const []const u8 {
    const given = list(Text, at);
    const found = allocate([]const u8, given.len);
    for (given, found) |one, *place| place.* = seen(one);
    return found;
}

fn entryList(at: usize) []const ScalarEntry {
    const given = list(Entry, at);
    const found = allocate(ScalarEntry, given.len);
    for (given, found) |one, *place| place.* = .{ .name = seen(one.name), .value = one.value };
    return found;
}

fn texts(given: []const []const u8) usize {
    const made = allocate(Text, given.len);
    for (given, made) |one, *place| place.* = shown(one);
    return @intFromPtr(made.ptr);
}

fn entries(given: []const ScalarEntry) usize {
    const made = allocate(Entry, given.len);
    for (given, made) |one, *place| place.* = .{ .name = shown(one.name), .value = one.value };
    return @intFromPtr(made.ptr);
}

fn handles(comptime T: type, given: []const T) []i32 {
    const made = allocate(i32, given.len);
    for (given, made) |one, *place| place.* = one.handle;
    return made;
}

fn allocate(comptime T: type, length: usize) []T {
    return arena.allocator().alloc(T, length) catch @panic("no memory is left");
}

fn tracked(comptime T: type, at: usize) T {
    const handle = load(i32, at);
    const waiting = if (T == Tensor) &made_tensors else &made_groups;
    waiting.append(std.heap.wasm_allocator, handle) catch @panic("no memory is left");
    return .{ .handle = handle };
}

/// True if the handle is still the callback's to give back. Kept ones are.
fn untrack(comptime kind: @EnumLiteral(), handle: i32) bool {
    const waiting = switch (kind) {
        .tensor => &made_tensors,
        .tensor_group => &made_groups,
        else => return true,
    };
    if (std.mem.indexOfScalar(i32, waiting.items, handle)) |place| _ = waiting.swapRemove(place);
    return true;
}

/// The phases, in the order of the loop.
pub const phases = [_][]const u8{
    "on-checkpoint-loaded",
    "on-training-start",
    "on-epoch-start",
    "on-train-loader-start",
    "on-train-batch-start",
    "on-train-batch-forward-end",
    "on-train-batch-loss-end",
    "on-train-batch-backward-end",
    "on-train-batch-gradient-step-start",
    "on-train-batch-gradient-ready",
    "on-train-batch-optimizer-stepped",
    "on-train-batch-gradient-step-end",
    "on-train-batch-end",
    "on-train-loader-end",
    "on-validation-loader-start",
    "on-validation-batch-start",
    "on-validation-batch-end",
    "on-validation-loader-end",
    "on-validation-end-best-epoch",
    "on-test-loader-start",
    "on-test-batch-start",
    "on-test-batch-end",
    "on-test-loader-end",
    "on-epoch-end",
    "on-checkpoint-save-start",
    "on-checkpoint-save-end",
    "on-average-best-models-validation-start",
    "on-average-best-models-validation-end",
    "on-interrupt",
    "on-exception",
    "on-training-end",
};

/// Why a call was refused.
pub const Error = error{ InvalidArgument, ShapeMismatch, DtypeMismatch, DeviceMismatch, NotAvailable, StaleHandle, Denied, QuotaExceeded, TooLarge, OutOfMemory, Unsupported, CollectiveMismatch, PeerFailed, Sharded, TimedOut, Interrupted, Conflict, InputOutput, Other };

const errors = [_]Error{
    error.InvalidArgument,
    error.ShapeMismatch,
    error.DtypeMismatch,
    error.DeviceMismatch,
    error.NotAvailable,
    error.StaleHandle,
    error.Denied,
    error.QuotaExceeded,
    error.TooLarge,
    error.OutOfMemory,
    error.Unsupported,
    error.CollectiveMismatch,
    error.PeerFailed,
    error.Sharded,
    error.TimedOut,
    error.Interrupted,
    error.Conflict,
    error.InputOutput,
    error.Other,
};

/// Element type of a tensor, by PyTorch's name. Tensors of the first ten can be made and have
/// operations. The others describe a tensor that the trainer has, and `other` stands for a type
/// that has no name here, such as a quantized one: to make one of them is a `dtype-mismatch`.
pub const Dtype = enum(u8) {
    uint8,
    int8,
    int16,
    int32,
    int64,
    float16,
    bfloat16,
    float32,
    float64,
    boolean,
    uint16,
    uint32,
    uint64,
    float8_e4m3fn,
    float8_e5m2,
    float8_e4m3fnuz,
    float8_e5m2fnuz,
    float8_e8m0fnu,
    float4_e2m1fn_x2,
    complex32,
    complex64,
    complex128,
    other,
};

/// Severity of a log line.
pub const Level = enum(u8) {
    trace,
    debug,
    info,
    warn,
    @"error",
};

/// The facts about a tensor that are known without reading its data.
pub const TensorInfo = struct {
    shape: []const i64,
    dtype: Dtype,
    device: []const u8,
    requires_grad: bool,
};

/// A named number, such as one metric.
pub const ScalarEntry = struct {
    name: []const u8,
    value: f64,
};

/// A number on its way from the device. It outlives the call that made it, works in
/// `save-state` too, and may be dropped before its value has arrived. Once the value has
/// arrived, every `poll` and `wait` returns it.
pub const Deferred = struct {
    handle: i32,

    /// Gives the handle back now; otherwise that happens at the end of the call.
    pub fn drop(self: Deferred) void {
        if (untrack(.deferred, self.handle)) core.drop_deferred(self.handle);
    }

    /// The value, or none while it is still on its way. Never syncs. With
    /// `deterministic_callbacks: true` it waits instead; that wait needs no grant.
    pub fn poll(self: Deferred) Error!?f64 {
        core.tensor_deferred_poll(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(8);
        return if (area[8] != 0) load(f64, 16) else null;
    }

    /// The value. Syncs if it has not arrived.
    pub fn wait(self: Deferred) Error!f64 {
        core.tensor_deferred_wait(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(8);
        return load(f64, 8);
    }
};

/// One tensor of the trainer or of the callback.
pub const Tensor = struct {
    handle: i32,

    /// Gives the handle back now; otherwise that happens at the end of the call.
    pub fn drop(self: Tensor) void {
        if (untrack(.tensor, self.handle)) core.drop_tensor(self.handle);
    }

    /// Shape, dtype, device and requires-grad in one crossing.
    pub fn info(self: Tensor) Error!TensorInfo {
        core.tensor_tensor_info(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return .{ .shape = list(i64, 4), .dtype = @enumFromInt(area[12]), .device = list(u8, 16), .requires_grad = area[24] != 0 };
    }

    /// A handle that lasts until it is dropped, charged to the callback's `tensors` limit. A
    /// tensor of the trainer is copied on the device, because training goes on to change it.
    /// The callback's own results are kept as they are, except views of something larger, which
    /// are copied.
    pub fn keep(self: Tensor) Error!Tensor {
        core.tensor_tensor_keep(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return Tensor{ .handle = load(i32, 4) };
    }

    /// The only element, as f64. Syncs.
    pub fn item(self: Tensor) Error!f64 {
        core.tensor_tensor_item(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(8);
        return load(f64, 8);
    }

    /// The only element, delivered later. Queues one small copy; the value is that of this
    /// moment, whatever is changed in place afterwards.
    pub fn @"defer"(self: Tensor) Error!Deferred {
        core.tensor_tensor_defer(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return Deferred{ .handle = load(i32, 4) };
    }

    /// `length` elements from `offset` on, in row-major order, converted to f32. Copies them to
    /// the callback and syncs. At most 4 Mi elements a call (`too-large`): read in pieces.
    pub fn readF32(self: Tensor, offset: u64, length: u32) Error![]const f32 {
        core.tensor_tensor_read_f32(self.handle, @bitCast(offset), @bitCast(length), @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return list(f32, 4);
    }

    /// `length` elements from `offset` on, in row-major order, converted to s64: labels,
    /// indices, counts. Copies them to the callback and syncs. At most 2 Mi elements a call
    /// (`too-large`): read in pieces.
    pub fn readS64(self: Tensor, offset: u64, length: u32) Error![]const i64 {
        core.tensor_tensor_read_s64(self.handle, @bitCast(offset), @bitCast(length), @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return list(i64, 4);
    }

    /// self + alpha × other
    pub fn add(self: Tensor, other: Tensor, alpha: f64) Error!Tensor {
        core.tensor_tensor_add(self.handle, other.handle, alpha, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// self − other
    pub fn sub(self: Tensor, other: Tensor) Error!Tensor {
        core.tensor_tensor_sub(self.handle, other.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// self × other
    pub fn mul(self: Tensor, other: Tensor) Error!Tensor {
        core.tensor_tensor_mul(self.handle, other.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// self / other. True division: integers become floats.
    pub fn div(self: Tensor, other: Tensor) Error!Tensor {
        core.tensor_tensor_div(self.handle, other.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// The larger of both, element by element.
    pub fn maximum(self: Tensor, other: Tensor) Error!Tensor {
        core.tensor_tensor_maximum(self.handle, other.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// The smaller of both, element by element.
    pub fn minimum(self: Tensor, other: Tensor) Error!Tensor {
        core.tensor_tensor_minimum(self.handle, other.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// self + weight × (end − self)
    pub fn lerp(self: Tensor, end: Tensor, weight: f64) Error!Tensor {
        core.tensor_tensor_lerp(self.handle, end.handle, weight, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// The angle of the point (other, self) in radians, from −π to π. Integers become floats.
    pub fn atan2(self: Tensor, other: Tensor) Error!Tensor {
        core.tensor_tensor_atan2(self.handle, other.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// Limits each element to [min, max], which are tensors. For one bound use `maximum` or
    /// `minimum`. Where min is above max, the result is max.
    pub fn clampBetween(self: Tensor, min: Tensor, max: Tensor) Error!Tensor {
        core.tensor_tensor_clamp_between(self.handle, min.handle, max.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// self × scale + shift, in one crossing.
    pub fn affine(self: Tensor, scale: f64, shift: f64) Error!Tensor {
        core.tensor_tensor_affine(self.handle, scale, shift, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// Each element to the power of `exponent`.
    pub fn pow(self: Tensor, exponent: f64) Error!Tensor {
        core.tensor_tensor_pow(self.handle, exponent, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// Limits each element to [min, max]; give at least one of them.
    pub fn clamp(self: Tensor, min: ?f64, max: ?f64) Error!Tensor {
        core.tensor_tensor_clamp(self.handle, @intFromBool(min != null), min orelse 0, @intFromBool(max != null), max orelse 0, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// −self
    pub fn neg(self: Tensor) Error!Tensor {
        core.tensor_tensor_neg(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// The magnitude of each element.
    pub fn abs(self: Tensor) Error!Tensor {
        core.tensor_tensor_abs(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// −1, 0 or 1 by the sign of each element.
    pub fn sign(self: Tensor) Error!Tensor {
        core.tensor_tensor_sign(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// e to the power of each element.
    pub fn exp(self: Tensor) Error!Tensor {
        core.tensor_tensor_exp(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// The natural logarithm.
    pub fn log(self: Tensor) Error!Tensor {
        core.tensor_tensor_log(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// The natural logarithm of 1 + self, exact for small elements.
    pub fn log1p(self: Tensor) Error!Tensor {
        core.tensor_tensor_log1p(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// e to the power of each element, minus 1; exact for small elements.
    pub fn expm1(self: Tensor) Error!Tensor {
        core.tensor_tensor_expm1(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// The error function.
    pub fn erf(self: Tensor) Error!Tensor {
        core.tensor_tensor_erf(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// The square root.
    pub fn sqrt(self: Tensor) Error!Tensor {
        core.tensor_tensor_sqrt(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// 1 / the square root.
    pub fn rsqrt(self: Tensor) Error!Tensor {
        core.tensor_tensor_rsqrt(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// The sine; elements are radians.
    pub fn sin(self: Tensor) Error!Tensor {
        core.tensor_tensor_sin(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// The cosine; elements are radians.
    pub fn cos(self: Tensor) Error!Tensor {
        core.tensor_tensor_cos(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// The largest whole number that is not above each element.
    pub fn floor(self: Tensor) Error!Tensor {
        core.tensor_tensor_floor(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// The nearest whole number; halves go to the even one.
    pub fn round(self: Tensor) Error!Tensor {
        core.tensor_tensor_round(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// The hyperbolic tangent.
    pub fn tanh(self: Tensor) Error!Tensor {
        core.tensor_tensor_tanh(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// 1 / (1 + exp(−self))
    pub fn sigmoid(self: Tensor) Error!Tensor {
        core.tensor_tensor_sigmoid(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// Each element, or 0 if it is negative.
    pub fn relu(self: Tensor) Error!Tensor {
        core.tensor_tensor_relu(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// Softmax over dimension `dim`. A negative dimension counts from the end, here and
    /// everywhere.
    pub fn softmax(self: Tensor, dim: i64) Error!Tensor {
        core.tensor_tensor_softmax(self.handle, dim, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// The logarithm of the softmax over dimension `dim`.
    pub fn logSoftmax(self: Tensor, dim: i64) Error!Tensor {
        core.tensor_tensor_log_softmax(self.handle, dim, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// The running sum along dimension `dim`.
    pub fn cumsum(self: Tensor, dim: i64) Error!Tensor {
        core.tensor_tensor_cumsum(self.handle, dim, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// Replaces not-a-number by `nan`, and each infinity by a number. Without a number it is the
    /// largest or the smallest that the dtype has.
    pub fn nanToNum(self: Tensor, nan: f64, positive_infinity: ?f64, negative_infinity: ?f64) Error!Tensor {
        core.tensor_tensor_nan_to_num(self.handle, nan, @intFromBool(positive_infinity != null), positive_infinity orelse 0, @intFromBool(negative_infinity != null), negative_infinity orelse 0, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// `value` where `mask`, a boolean tensor that broadcasts, is true; elements of `self`
    /// elsewhere. A fraction is refused for integers.
    pub fn maskedFill(self: Tensor, mask: Tensor, value: f64) Error!Tensor {
        core.tensor_tensor_masked_fill(self.handle, mask.handle, value, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// self = other
    pub fn eq(self: Tensor, other: Tensor) Error!Tensor {
        core.tensor_tensor_eq(self.handle, other.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// self ≠ other
    pub fn ne(self: Tensor, other: Tensor) Error!Tensor {
        core.tensor_tensor_ne(self.handle, other.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// self < other
    pub fn lt(self: Tensor, other: Tensor) Error!Tensor {
        core.tensor_tensor_lt(self.handle, other.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// self ≤ other
    pub fn le(self: Tensor, other: Tensor) Error!Tensor {
        core.tensor_tensor_le(self.handle, other.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// self > other
    pub fn gt(self: Tensor, other: Tensor) Error!Tensor {
        core.tensor_tensor_gt(self.handle, other.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// self ≥ other
    pub fn ge(self: Tensor, other: Tensor) Error!Tensor {
        core.tensor_tensor_ge(self.handle, other.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// self = value
    pub fn eqScalar(self: Tensor, value: f64) Error!Tensor {
        core.tensor_tensor_eq_scalar(self.handle, value, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// self ≠ value
    pub fn neScalar(self: Tensor, value: f64) Error!Tensor {
        core.tensor_tensor_ne_scalar(self.handle, value, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// self < value
    pub fn ltScalar(self: Tensor, value: f64) Error!Tensor {
        core.tensor_tensor_lt_scalar(self.handle, value, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// self ≤ value
    pub fn leScalar(self: Tensor, value: f64) Error!Tensor {
        core.tensor_tensor_le_scalar(self.handle, value, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// self > value
    pub fn gtScalar(self: Tensor, value: f64) Error!Tensor {
        core.tensor_tensor_gt_scalar(self.handle, value, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// self ≥ value
    pub fn geScalar(self: Tensor, value: f64) Error!Tensor {
        core.tensor_tensor_ge_scalar(self.handle, value, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// True where an element is neither infinite nor not-a-number.
    pub fn isfinite(self: Tensor) Error!Tensor {
        core.tensor_tensor_isfinite(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// True where an element is not-a-number.
    pub fn isnan(self: Tensor) Error!Tensor {
        core.tensor_tensor_isnan(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// True where an element is infinite.
    pub fn isinf(self: Tensor) Error!Tensor {
        core.tensor_tensor_isinf(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// True where an element is zero or false.
    pub fn logicalNot(self: Tensor) Error!Tensor {
        core.tensor_tensor_logical_not(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// True where both are neither zero nor false.
    pub fn logicalAnd(self: Tensor, other: Tensor) Error!Tensor {
        core.tensor_tensor_logical_and(self.handle, other.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// True where one of both is neither zero nor false.
    pub fn logicalOr(self: Tensor, other: Tensor) Error!Tensor {
        core.tensor_tensor_logical_or(self.handle, other.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// True where exactly one of both is neither zero nor false.
    pub fn logicalXor(self: Tensor, other: Tensor) Error!Tensor {
        core.tensor_tensor_logical_xor(self.handle, other.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// Elements of `if-true` where `self`, a boolean tensor, is true, and of `if-false`
    /// elsewhere (torch.where).
    pub fn choose(self: Tensor, if_true: Tensor, if_false: Tensor) Error!Tensor {
        core.tensor_tensor_choose(self.handle, if_true.handle, if_false.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// As `choose`, with a number where `self` is true. A whole number keeps the dtype of
    /// integers.
    pub fn chooseIfTrueScalar(self: Tensor, if_true: f64, if_false: Tensor) Error!Tensor {
        core.tensor_tensor_choose_if_true_scalar(self.handle, if_true, if_false.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// As `choose`, with a number where `self` is false. A whole number keeps the dtype of
    /// integers.
    pub fn chooseIfFalseScalar(self: Tensor, if_true: Tensor, if_false: f64) Error!Tensor {
        core.tensor_tensor_choose_if_false_scalar(self.handle, if_true.handle, if_false, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// As `choose`, with a number on both sides (float32).
    pub fn chooseScalars(self: Tensor, if_true: f64, if_false: f64) Error!Tensor {
        core.tensor_tensor_choose_scalars(self.handle, if_true, if_false, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// The sum over `dims`. Integers and booleans become int64.
    pub fn sum(self: Tensor, dims: []const i64, keepdim: bool) Error!Tensor {
        core.tensor_tensor_sum(self.handle, @intFromPtr(dims.ptr), @intCast(dims.len), @intFromBool(keepdim), @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// The mean over `dims`, of a floating point tensor.
    pub fn mean(self: Tensor, dims: []const i64, keepdim: bool) Error!Tensor {
        core.tensor_tensor_mean(self.handle, @intFromPtr(dims.ptr), @intCast(dims.len), @intFromBool(keepdim), @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// The product over `dims`. Integers and booleans become int64.
    pub fn prod(self: Tensor, dims: []const i64, keepdim: bool) Error!Tensor {
        core.tensor_tensor_prod(self.handle, @intFromPtr(dims.ptr), @intCast(dims.len), @intFromBool(keepdim), @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// The logarithm of the sum of e to the power of each element over `dims`, without overflow.
    /// Integers become floats.
    pub fn logsumexp(self: Tensor, dims: []const i64, keepdim: bool) Error!Tensor {
        core.tensor_tensor_logsumexp(self.handle, @intFromPtr(dims.ptr), @intCast(dims.len), @intFromBool(keepdim), @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// The smallest element over `dims`.
    pub fn amin(self: Tensor, dims: []const i64, keepdim: bool) Error!Tensor {
        core.tensor_tensor_amin(self.handle, @intFromPtr(dims.ptr), @intCast(dims.len), @intFromBool(keepdim), @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// The largest element over `dims`.
    pub fn amax(self: Tensor, dims: []const i64, keepdim: bool) Error!Tensor {
        core.tensor_tensor_amax(self.handle, @intFromPtr(dims.ptr), @intCast(dims.len), @intFromBool(keepdim), @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// The standard deviation over `dims`; `unbiased` divides by n − 1.
    pub fn std(self: Tensor, dims: []const i64, unbiased: bool, keepdim: bool) Error!Tensor {
        core.tensor_tensor_std(self.handle, @intFromPtr(dims.ptr), @intCast(dims.len), @intFromBool(unbiased), @intFromBool(keepdim), @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// The variance over `dims`; `unbiased` divides by n − 1.
    pub fn @"var"(self: Tensor, dims: []const i64, unbiased: bool, keepdim: bool) Error!Tensor {
        core.tensor_tensor_var(self.handle, @intFromPtr(dims.ptr), @intCast(dims.len), @intFromBool(unbiased), @intFromBool(keepdim), @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// The vector p-norm over `dims`; p may be 0 (the count of nonzero elements) or infinite
    /// (the largest magnitude).
    pub fn norm(self: Tensor, p: f64, dims: []const i64, keepdim: bool) Error!Tensor {
        core.tensor_tensor_norm(self.handle, p, @intFromPtr(dims.ptr), @intCast(dims.len), @intFromBool(keepdim), @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// True if no element is zero or false (0-d).
    pub fn all(self: Tensor) Error!Tensor {
        core.tensor_tensor_all(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// True if an element is neither zero nor false (0-d).
    pub fn any(self: Tensor) Error!Tensor {
        core.tensor_tensor_any(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// The index of the largest element along dimension `dim` (int64).
    pub fn argmax(self: Tensor, dim: i64, keepdim: bool) Error!Tensor {
        core.tensor_tensor_argmax(self.handle, dim, @intFromBool(keepdim), @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// The index of the smallest element along dimension `dim` (int64).
    pub fn argmin(self: Tensor, dim: i64, keepdim: bool) Error!Tensor {
        core.tensor_tensor_argmin(self.handle, dim, @intFromBool(keepdim), @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// The median of all elements, the lower one of an even number of them (0-d). It is
    /// not-a-number if any element is. A tensor without elements is refused.
    pub fn median(self: Tensor) Error!Tensor {
        core.tensor_tensor_median(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// (values, indices) of the medians along dimension `dim`, as `median` defines them. Of
    /// equal elements any may be the one that `indices` names.
    pub fn medianDim(self: Tensor, dim: i64, keepdim: bool) Error!struct { Tensor, Tensor } {
        core.tensor_tensor_median_dim(self.handle, dim, @intFromBool(keepdim), @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return .{ tracked(Tensor, 4), tracked(Tensor, 8) };
    }

    /// (values, indices) of all elements along dimension `dim` in order. Equal elements keep
    /// their order, and not-a-number counts as the largest.
    pub fn sort(self: Tensor, dim: i64, descending: bool) Error!struct { Tensor, Tensor } {
        core.tensor_tensor_sort(self.handle, dim, @intFromBool(descending), @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return .{ tracked(Tensor, 4), tracked(Tensor, 8) };
    }

    /// (values, indices) of the `k` largest elements along `dim`, largest first.
    pub fn topk(self: Tensor, k: u32, dim: i64) Error!struct { Tensor, Tensor } {
        core.tensor_tensor_topk(self.handle, @bitCast(k), dim, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return .{ tracked(Tensor, 4), tracked(Tensor, 8) };
    }

    /// The q-quantile (0–1, linear interpolation) of all elements, at most 16 Mi of them (0-d).
    pub fn quantile(self: Tensor, q: f64) Error!Tensor {
        core.tensor_tensor_quantile(self.handle, q, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// Counts of `bins` equal bins over [min, max], 1 to 65,536 of them (1-d, float32).
    /// Elements outside the range are not counted.
    pub fn histogram(self: Tensor, bins: u32, min: f64, max: f64) Error!Tensor {
        core.tensor_tensor_histogram(self.handle, @bitCast(bins), min, max, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// The number of elements that are not zero (0-d, int64).
    pub fn countNonzero(self: Tensor) Error!Tensor {
        core.tensor_tensor_count_nonzero(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// The number of elements that are infinite or not-a-number (0-d, int64).
    pub fn countNonfinite(self: Tensor) Error!Tensor {
        core.tensor_tensor_count_nonfinite(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// The entries `indices` (1-d) of dimension `dim`.
    pub fn indexSelect(self: Tensor, dim: i64, indices: Tensor) Error!Tensor {
        core.tensor_tensor_index_select(self.handle, dim, indices.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// The element of dimension `dim` that `indices` names, for each of them: for `dim` 1 of two,
    /// result[i][j] = self[i][indices[i][j]]. Has the shape of `indices`, which has as many
    /// dimensions as `self` and is nowhere longer, but along `dim`.
    pub fn gather(self: Tensor, dim: i64, indices: Tensor) Error!Tensor {
        core.tensor_tensor_gather(self.handle, dim, indices.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// A copy of `self` in which elements of `source` replace those that `indices` names along
    /// `dim`: for `dim` 1 of two, result[i][indices[i][j]] = source[i][j]. `indices` is nowhere
    /// longer than `source`, nor than `self` but along `dim`; the dtypes are equal. Of several
    /// elements for one place any may be the last.
    pub fn scatter(self: Tensor, dim: i64, indices: Tensor, source: Tensor) Error!Tensor {
        core.tensor_tensor_scatter(self.handle, dim, indices.handle, source.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// As `scatter`, with one number for every place. A fraction is refused for integers.
    pub fn scatterScalar(self: Tensor, dim: i64, indices: Tensor, value: f64) Error!Tensor {
        core.tensor_tensor_scatter_scalar(self.handle, dim, indices.handle, value, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// As `scatter`, but elements of `source` are added. On a GPU the order of several additions
    /// to one place, and so the last bits of their sum, can differ from run to run.
    pub fn scatterAdd(self: Tensor, dim: i64, indices: Tensor, source: Tensor) Error!Tensor {
        core.tensor_tensor_scatter_add(self.handle, dim, indices.handle, source.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// The elements where `mask`, a boolean tensor, is true, in row-major order (1-d). Both
    /// broadcast. Syncs, since the device decides how many there are.
    pub fn maskedSelect(self: Tensor, mask: Tensor) Error!Tensor {
        core.tensor_tensor_masked_select(self.handle, mask.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// The places of elements that are neither zero nor false: one row for each of them, with
    /// one index for each dimension (2-d, int64), in row-major order. Syncs, since the device
    /// decides how many there are.
    pub fn nonzero(self: Tensor) Error!Tensor {
        core.tensor_tensor_nonzero(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// The elements in another shape; one length may be −1. A view where possible, otherwise a
    /// copy.
    pub fn reshape(self: Tensor, shape: []const i64) Error!Tensor {
        core.tensor_tensor_reshape(self.handle, @intFromPtr(shape.ptr), @intCast(shape.len), @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// A view with the dimensions in the order `dims`.
    pub fn permute(self: Tensor, dims: []const i64) Error!Tensor {
        core.tensor_tensor_permute(self.handle, @intFromPtr(dims.ptr), @intCast(dims.len), @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// A view with two dimensions exchanged.
    pub fn transpose(self: Tensor, dim0: i64, dim1: i64) Error!Tensor {
        core.tensor_tensor_transpose(self.handle, dim0, dim1, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// A view without dimension `dim`, if its length is 1.
    pub fn squeeze(self: Tensor, dim: i64) Error!Tensor {
        core.tensor_tensor_squeeze(self.handle, dim, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// A view with a new dimension of length 1 at `dim`.
    pub fn unsqueeze(self: Tensor, dim: i64) Error!Tensor {
        core.tensor_tensor_unsqueeze(self.handle, dim, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// A view that repeats dimensions of length 1 without copying.
    pub fn expand(self: Tensor, shape: []const i64) Error!Tensor {
        core.tensor_tensor_expand(self.handle, @intFromPtr(shape.ptr), @intCast(shape.len), @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// A view of `length` entries of dimension `dim` from `start` on.
    pub fn narrow(self: Tensor, dim: i64, start: i64, length: i64) Error!Tensor {
        core.tensor_tensor_narrow(self.handle, dim, start, length, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// A view of entry `index` of dimension `dim`, without that dimension.
    pub fn select(self: Tensor, dim: i64, index: i64) Error!Tensor {
        core.tensor_tensor_select(self.handle, dim, index, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// The entries of dimensions `dims` in reverse order. A copy.
    pub fn flip(self: Tensor, dims: []const i64) Error!Tensor {
        core.tensor_tensor_flip(self.handle, @intFromPtr(dims.ptr), @intCast(dims.len), @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// The entries of `dim` moved by `shift`; entries that leave one end enter at the other. A
    /// copy.
    pub fn roll(self: Tensor, shift: i64, dim: i64) Error!Tensor {
        core.tensor_tensor_roll(self.handle, shift, dim, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// A copy with more entries around. `padding` has the number before and after for the last
    /// dimension, then for the one before it, and so on, each at least 0. `mode` says what the new
    /// entries are: `constant` (`value`), `reflect` (mirrored, without the edge), `replicate`
    /// (the edge) or `circular` (from the other end). All but `constant` pad the last 1 to 3
    /// dimensions, of a tensor with 1 or 2 dimensions more, and take `value` 0 alone. `reflect`
    /// needs a dimension longer than its padding, `circular` one at least as long.
    pub fn pad(self: Tensor, padding: []const i64, mode: []const u8, value: f64) Error!Tensor {
        core.tensor_tensor_pad(self.handle, @intFromPtr(padding.ptr), @intCast(padding.len), @intFromPtr(mode.ptr), @intCast(mode.len), value, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// Images [N, C, H, W] in another size. `mode` is `nearest`, `bilinear` or `bicubic`, with
    /// PyTorch's `align_corners=False` and without antialiasing. For floating point tensors;
    /// `nearest` also takes uint8.
    pub fn interpolate(self: Tensor, height: u32, width: u32, mode: []const u8) Error!Tensor {
        core.tensor_tensor_interpolate(self.handle, @bitCast(height), @bitCast(width), @intFromPtr(mode.ptr), @intCast(mode.len), @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// The matrix product as torch.matmul, batches included. At most 2³⁵ multiplications a call
    /// (`too-large`).
    pub fn matmul(self: Tensor, other: Tensor) Error!Tensor {
        core.tensor_tensor_matmul(self.handle, other.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// Integer classes to {0, 1} in a new last dimension (float32), for 1 to 65,536 classes. A
    /// value outside 0..num-classes gives a row of zeros, never a device fault.
    pub fn oneHot(self: Tensor, num_classes: u32) Error!Tensor {
        core.tensor_tensor_one_hot(self.handle, @bitCast(num_classes), @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// The elements as another dtype. A view if the dtype is the same.
    pub fn toDtype(self: Tensor, dtype: Dtype) Error!Tensor {
        core.tensor_tensor_to_dtype(self.handle, @intFromEnum(dtype), @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// The tensor on "cpu", "cuda:0", or "" for the run's device. Syncs on the way to the CPU.
    /// A view if the device is the same.
    pub fn toDevice(self: Tensor, device_: []const u8) Error!Tensor {
        core.tensor_tensor_to_device(self.handle, @intFromPtr(device_.ptr), @intCast(device_.len), @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// The elements in row-major order in memory. A view if they are already.
    pub fn contiguous(self: Tensor) Error!Tensor {
        core.tensor_tensor_contiguous(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// A view that autograd does not follow.
    pub fn detach(self: Tensor) Error!Tensor {
        core.tensor_tensor_detach(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// A copy on the same device, which ends with the call like every result.
    pub fn duplicate(self: Tensor) Error!Tensor {
        core.tensor_tensor_duplicate(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// self ← source, which broadcasts. Converts the dtype.
    pub fn copyInPlace(self: Tensor, source: Tensor) Error!void {
        core.tensor_tensor_copy_in_place(self.handle, source.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
    }

    /// self ← self + alpha × other
    pub fn addInPlace(self: Tensor, other: Tensor, alpha: f64) Error!void {
        core.tensor_tensor_add_in_place(self.handle, other.handle, alpha, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
    }

    /// self ← self × other
    pub fn mulInPlace(self: Tensor, other: Tensor) Error!void {
        core.tensor_tensor_mul_in_place(self.handle, other.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
    }

    /// self ← self × scale + shift
    pub fn affineInPlace(self: Tensor, scale: f64, shift: f64) Error!void {
        core.tensor_tensor_affine_in_place(self.handle, scale, shift, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
    }

    /// self ← self + weight × (end − self)
    pub fn lerpInPlace(self: Tensor, end: Tensor, weight: f64) Error!void {
        core.tensor_tensor_lerp_in_place(self.handle, end.handle, weight, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
    }

    /// Limits each element to [min, max]; give at least one of them.
    pub fn clampInPlace(self: Tensor, min: ?f64, max: ?f64) Error!void {
        core.tensor_tensor_clamp_in_place(self.handle, @intFromBool(min != null), min orelse 0, @intFromBool(max != null), max orelse 0, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
    }

    /// Sets every element to `value`.
    pub fn fillInPlace(self: Tensor, value: f64) Error!void {
        core.tensor_tensor_fill_in_place(self.handle, value, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
    }

    /// Fills a floating point tensor with normal noise. It comes from the callback's own
    /// generator, so the run's own random numbers do not change. The host draws the numbers on
    /// the CPU and copies them to the device. Grant `random`, and the grant of the tensor that
    /// is changed.
    pub fn normalInPlace(self: Tensor, mean_: f64, std_: f64) Error!void {
        core.tensor_tensor_normal_in_place(self.handle, mean_, std_, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
    }

    /// Sets elements to `value` where `mask`, a boolean tensor that broadcasts, is true.
    pub fn maskedFillInPlace(self: Tensor, mask: Tensor, value: f64) Error!void {
        core.tensor_tensor_masked_fill_in_place(self.handle, mask.handle, value, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
    }
};

/// Many named tensors in one crossing, on multi-tensor kernels: parameters, gradients, a copy
/// of them. An operation counts as one launch, however many members there are. Changing the
/// group in place needs the grant of its members. On a group without members an operation does
/// nothing.
pub const TensorGroup = struct {
    handle: i32,

    /// Gives the handle back now; otherwise that happens at the end of the call.
    pub fn drop(self: TensorGroup) void {
        if (untrack(.tensor_group, self.handle)) core.drop_tensor_group(self.handle);
    }

    /// Names of the members, in the order of all functions here.
    pub fn names(self: TensorGroup) Error![]const []const u8 {
        core.tensor_tensor_group_names(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return textList(4);
    }

    /// The number of members.
    pub fn len(self: TensorGroup) Error!u32 {
        core.tensor_tensor_group_len(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return load(u32, 4);
    }

    /// One member by its name, with the grant of the group.
    pub fn get(self: TensorGroup, name_: []const u8) Error!Tensor {
        core.tensor_tensor_group_get(self.handle, @intFromPtr(name_.ptr), @intCast(name_.len), @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// The members whose names match a glob, such as `backbone.*`. They are views.
    pub fn matching(self: TensorGroup, glob: []const u8) Error!TensorGroup {
        core.tensor_tensor_group_matching(self.handle, @intFromPtr(glob.ptr), @intCast(glob.len), @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(TensorGroup, 4);
    }

    /// A copy on the same device that lasts until it is dropped, charged to `tensors`. One
    /// launch for each member.
    pub fn duplicate(self: TensorGroup) Error!TensorGroup {
        core.tensor_tensor_group_duplicate(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return TensorGroup{ .handle = load(i32, 4) };
    }

    /// The number of elements of all members together.
    pub fn numel(self: TensorGroup) Error!u64 {
        core.tensor_tensor_group_numel(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(8);
        return load(u64, 8);
    }

    /// The p-norm over all elements of all members (0-d).
    pub fn norm(self: TensorGroup, p: f64) Error!Tensor {
        core.tensor_tensor_group_norm(self.handle, p, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// The p-norm of each member, in the order of `names` (1-d).
    pub fn norms(self: TensorGroup, p: f64) Error!Tensor {
        core.tensor_tensor_group_norms(self.handle, p, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// The distance of the members from those of `before` at the same position, as a share of
    /// these: the p-norm of all differences, divided by the p-norm of `before`, which counts as
    /// 1e-12 at least (0-d). How far a step moves the weights. Both groups must have the same
    /// shapes and dtypes, which are floating point.
    pub fn relativeChange(self: TensorGroup, before: TensorGroup, p: f64) Error!Tensor {
        core.tensor_tensor_group_relative_change(self.handle, before.handle, p, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// The number of elements that are infinite or not-a-number (0-d, int64).
    pub fn countNonfinite(self: TensorGroup) Error!Tensor {
        core.tensor_tensor_group_count_nonfinite(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// Scales all members so that their common p-norm is at most `max-norm`. Returns the norm
    /// before (0-d) and does not sync. torch.nn.utils.clip_grad_norm_.
    pub fn clipNormInPlace(self: TensorGroup, max_norm: f64, p: f64) Error!Tensor {
        core.tensor_tensor_group_clip_norm_in_place(self.handle, max_norm, p, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// Limits every element to [−limit, limit]. torch.nn.utils.clip_grad_value_.
    pub fn clipValueInPlace(self: TensorGroup, limit: f64) Error!void {
        core.tensor_tensor_group_clip_value_in_place(self.handle, limit, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
    }

    /// member ← member × scale + shift
    pub fn affineInPlace(self: TensorGroup, scale: f64, shift: f64) Error!void {
        core.tensor_tensor_group_affine_in_place(self.handle, scale, shift, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
    }

    /// member ← member × factor, a single number that is still on the device.
    pub fn mulInPlace(self: TensorGroup, factor: Tensor) Error!void {
        core.tensor_tensor_group_mul_in_place(self.handle, factor.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
    }

    /// member ← member + alpha × the member of `other` at the same position. Both groups must
    /// have the same shapes and dtypes.
    pub fn addInPlace(self: TensorGroup, other: TensorGroup, alpha: f64) Error!void {
        core.tensor_tensor_group_add_in_place(self.handle, other.handle, alpha, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
    }

    /// member ← member + weight × (end − member), with the member of `end` at the same
    /// position. Members that are not floating point, such as counts of batches, are copied
    /// from `end`; each of them is one more launch.
    pub fn lerpInPlace(self: TensorGroup, end: TensorGroup, weight: f64) Error!void {
        core.tensor_tensor_group_lerp_in_place(self.handle, end.handle, weight, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
    }

    /// member ← the member of `source` at the same position.
    pub fn copyInPlace(self: TensorGroup, source: TensorGroup) Error!void {
        core.tensor_tensor_group_copy_in_place(self.handle, source.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
    }

    /// Exchanges the values of both groups by a copy on the device. Needs the grants of both.
    pub fn swapInPlace(self: TensorGroup, other: TensorGroup) Error!void {
        core.tensor_tensor_group_swap_in_place(self.handle, other.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
    }
};

/// The network in training, or its moving average.
pub const Model = struct {
    handle: i32,

    /// Gives the handle back now; otherwise that happens at the end of the call.
    pub fn drop(self: Model) void {
        if (untrack(.model, self.handle)) core.drop_model(self.handle);
    }

    /// "mlp", "resnet18", "torchscript", …
    pub fn architecture(self: Model) []const u8 {
        core.context_model_architecture(self.handle, @intFromPtr(&area));
        return list(u8, 0);
    }

    /// The parameters that the optimizer trains, by name, frozen ones included: always the
    /// same members in the same order. Changing them in place needs grant `parameters`.
    pub fn parameters(self: Model) Error!TensorGroup {
        core.context_model_parameters(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(TensorGroup, 4);
    }

    /// The gradients of the parameters that have one: from on-train-batch-backward-end to
    /// on-train-batch-optimizer-stepped; zeros afterwards. Under accumulation they are the sum
    /// so far. Always unscaled. Changing them needs grant `gradients`. The moving average has
    /// none: `not-available`.
    pub fn gradients(self: Model) Error!TensorGroup {
        core.context_model_gradients(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(TensorGroup, 4);
    }

    /// The tensors that are saved but not trained, such as running means. Changing them in
    /// place needs grant `parameters`.
    pub fn buffers(self: Model) Error!TensorGroup {
        core.context_model_buffers(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(TensorGroup, 4);
    }

    /// Freezes the parameters whose name matches the glob, from the next batch on, and zeroes
    /// their gradients. Returns how many match. Grant `parameters`.
    pub fn freeze(self: Model, glob: []const u8) Error!u32 {
        core.context_model_freeze(self.handle, @intFromPtr(glob.ptr), @intCast(glob.len), @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return load(u32, 4);
    }

    /// Lets the parameters whose name matches the glob learn again, from the next batch on.
    /// Returns how many match. Grant `parameters`.
    pub fn unfreeze(self: Model, glob: []const u8) Error!u32 {
        core.context_model_unfreeze(self.handle, @intFromPtr(glob.ptr), @intCast(glob.len), @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return load(u32, 4);
    }

    /// True if the parameter of this name learns, false if it is frozen.
    pub fn requiresGrad(self: Model, parameter: []const u8) Error!bool {
        core.context_model_requires_grad(self.handle, @intFromPtr(parameter.ptr), @intCast(parameter.len), @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return area[4] != 0;
    }

    /// An extra pass: predictions for `inputs`, one tensor for each member of `inputs-group`, in
    /// its order, each with at most the elements that a full batch of the loaders has
    /// (`too-large`). At every phase. In mode "evaluation" dropout keeps
    /// everything and batch normalization uses its running statistics; in mode "train" dropout
    /// drops and the statistics of the inputs are used. In both, running statistics and the
    /// run's random numbers stay as they were; dropout draws from the callback's own generator.
    /// Records no gradients, and does not wait for the device. Counts as one of `passes`. Grant
    /// `passes`.
    pub fn forward(self: Model, inputs_: []const Tensor, mode: []const u8) Error!TensorGroup {
        const inputs__list = handles(Tensor, inputs_);
        core.context_model_forward(self.handle, @intFromPtr(inputs__list.ptr), @intCast(inputs_.len), @intFromPtr(mode.ptr), @intCast(mode.len), @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(TensorGroup, 4);
    }
};

/// The optimizer. Its parameter groups are named. As a `group`, "" means all groups: a function
/// that sets sets each, and a function that reads a number answers the one that all share. If
/// they differ it is refused (`invalid-argument`), and the message has each group's number.
pub const Optimizer = struct {
    handle: i32,

    /// Gives the handle back now; otherwise that happens at the end of the call.
    pub fn drop(self: Optimizer) void {
        if (untrack(.optimizer, self.handle)) core.drop_optimizer(self.handle);
    }

    /// "SGD", "Adam", "AdamW" or "RMSprop".
    pub fn name(self: Optimizer) []const u8 {
        core.context_optimizer_name(self.handle, @intFromPtr(&area));
        return list(u8, 0);
    }

    /// Names of the parameter groups, in the order of the recipe.
    pub fn groupNames(self: Optimizer) []const []const u8 {
        core.context_optimizer_group_names(self.handle, @intFromPtr(&area));
        return textList(0);
    }

    /// The learning rate that the next step uses.
    pub fn learningRate(self: Optimizer, group: []const u8) Error!f64 {
        core.context_optimizer_learning_rate(self.handle, @intFromPtr(group.ptr), @intCast(group.len), @intFromPtr(&area));
        if (area[0] != 0) return failed(8);
        return load(f64, 8);
    }

    /// Sets the learning rate. The rate stays until the recipe's schedule next changes its
    /// value. With `lr_mode: constant` it stays for the rest of the run. The schedule is
    /// applied before on-epoch-start and before on-train-batch-gradient-step-end. Grant
    /// `optimizer`.
    pub fn setLearningRate(self: Optimizer, group: []const u8, value: f64) Error!void {
        core.context_optimizer_set_learning_rate(self.handle, @intFromPtr(group.ptr), @intCast(group.len), value, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
    }

    /// "momentum", "weight_decay", "beta1", "eps", …: the names the optimizer has.
    pub fn hyperparameter(self: Optimizer, group: []const u8, name_: []const u8) Error!f64 {
        core.context_optimizer_hyperparameter(self.handle, @intFromPtr(group.ptr), @intCast(group.len), @intFromPtr(name_.ptr), @intCast(name_.len), @intFromPtr(&area));
        if (area[0] != 0) return failed(8);
        return load(f64, 8);
    }

    /// Sets a hyperparameter. A value outside its meaningful range is refused. Grant
    /// `optimizer`.
    pub fn setHyperparameter(self: Optimizer, group: []const u8, name_: []const u8, value: f64) Error!void {
        core.context_optimizer_set_hyperparameter(self.handle, @intFromPtr(group.ptr), @intCast(group.len), @intFromPtr(name_.ptr), @intCast(name_.len), value, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
    }

    /// The optimizer's tensors of one kind, such as "momentum_buffer" or "exp_avg", by
    /// parameter name. Changing them in place needs grant `optimizer`. `unsupported` is
    /// reserved for runs whose processes hold different parts of the state; there is none yet.
    pub fn state(self: Optimizer, name_: []const u8) Error!TensorGroup {
        core.context_optimizer_state(self.handle, @intFromPtr(name_.ptr), @intCast(name_.len), @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(TensorGroup, 4);
    }

    /// `state` for the parameters of one group alone; "" is `state`.
    pub fn groupState(self: Optimizer, group: []const u8, name_: []const u8) Error!TensorGroup {
        core.context_optimizer_group_state(self.handle, @intFromPtr(group.ptr), @intCast(group.len), @intFromPtr(name_.ptr), @intCast(name_.len), @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(TensorGroup, 4);
    }

    /// The kinds that `state` knows, such as "exp_avg"; empty if the optimizer keeps nothing.
    pub fn stateNames(self: Optimizer) []const []const u8 {
        core.context_optimizer_state_names(self.handle, @intFromPtr(&area));
        return textList(0);
    }

    /// Names of the parameters of a group; "" means of all groups, one after the other.
    pub fn parameterNames(self: Optimizer, group: []const u8) Error![]const []const u8 {
        core.context_optimizer_parameter_names(self.handle, @intFromPtr(group.ptr), @intCast(group.len), @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return textList(4);
    }
};

/// The loss function. Values are JSON: a stage switch sets `label_smoothing` to `0.0`.
pub const Criterion = struct {
    handle: i32,

    /// Gives the handle back now; otherwise that happens at the end of the call.
    pub fn drop(self: Criterion) void {
        if (untrack(.criterion, self.handle)) core.drop_criterion(self.handle);
    }

    /// The name in the recipe, such as "CrossEntropyLoss".
    pub fn name(self: Criterion) []const u8 {
        core.context_criterion_name(self.handle, @intFromPtr(&area));
        return list(u8, 0);
    }

    /// The keys that `get` and `set` know.
    pub fn parameters(self: Criterion) []const []const u8 {
        core.context_criterion_parameters(self.handle, @intFromPtr(&area));
        return textList(0);
    }

    /// The value of a parameter, as JSON.
    pub fn get(self: Criterion, key: []const u8) Error![]const u8 {
        core.context_criterion_get(self.handle, @intFromPtr(key.ptr), @intCast(key.len), @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return list(u8, 4);
    }

    /// Sets a parameter, from the next batch on. The value is saved in checkpoints. Grant
    /// `criterion`.
    pub fn set(self: Criterion, key: []const u8, value: []const u8) Error!void {
        core.context_criterion_set(self.handle, @intFromPtr(key.ptr), @intCast(key.len), @intFromPtr(value.ptr), @intCast(value.len), @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
    }
};

/// A data loader. Values are JSON: a stage switch sets `horizontal_flip` to `0.0`.
pub const DataLoader = struct {
    handle: i32,

    /// Gives the handle back now; otherwise that happens at the end of the call.
    pub fn drop(self: DataLoader) void {
        if (untrack(.data_loader, self.handle)) core.drop_data_loader(self.handle);
    }

    /// "train", "validation" or "test".
    pub fn name(self: DataLoader) []const u8 {
        core.context_data_loader_name(self.handle, @intFromPtr(&area));
        return list(u8, 0);
    }

    /// Batches in one epoch.
    pub fn batches(self: DataLoader) u64 {
        return @bitCast(core.context_data_loader_batches(self.handle));
    }

    /// Samples in one epoch.
    pub fn samples(self: DataLoader) u64 {
        return @bitCast(core.context_data_loader_samples(self.handle));
    }

    /// Samples in one batch; the last batch of an epoch may have fewer.
    pub fn batchSize(self: DataLoader) u32 {
        return @bitCast(core.context_data_loader_batch_size(self.handle));
    }

    /// The keys that `get` and `set` know.
    pub fn parameters(self: DataLoader) []const []const u8 {
        core.context_data_loader_parameters(self.handle, @intFromPtr(&area));
        return textList(0);
    }

    /// The value of a parameter, as JSON.
    pub fn get(self: DataLoader, key: []const u8) Error![]const u8 {
        core.context_data_loader_get(self.handle, @intFromPtr(key.ptr), @intCast(key.len), @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return list(u8, 4);
    }

    /// Sets a parameter, from the loader's next start on. The value is saved in checkpoints.
    /// Grant `loaders`.
    pub fn set(self: DataLoader, key: []const u8, value: []const u8) Error!void {
        core.context_data_loader_set(self.handle, @intFromPtr(key.ptr), @intCast(key.len), @intFromPtr(value.ptr), @intCast(value.len), @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
    }
};

/// The running metrics of one split.
pub const Metrics = struct {
    handle: i32,

    /// Gives the handle back now; otherwise that happens at the end of the call.
    pub fn drop(self: Metrics) void {
        if (untrack(.metrics, self.handle)) core.drop_metrics(self.handle);
    }

    /// The names of the loss items, then those of the metrics.
    pub fn names(self: Metrics) []const []const u8 {
        core.context_metrics_names(self.handle, @intFromPtr(&area));
        return textList(0);
    }

    /// The values over the batches so far, the mean loss among them. Syncs.
    pub fn compute(self: Metrics) Error![]const ScalarEntry {
        core.context_metrics_compute(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return entryList(4);
    }
};

/// All loggers of the run at once (metrics.jsonl, TensorBoard). A name appears as
/// `<callback>/<name>` at the current global step. The number of distinct names is limited.
pub const Logger = struct {
    handle: i32,

    /// Gives the handle back now; otherwise that happens at the end of the call.
    pub fn drop(self: Logger) void {
        if (untrack(.logger, self.handle)) core.drop_logger(self.handle);
    }

    /// Logs a number.
    pub fn scalar(self: Logger, name_: []const u8, value: f64) Error!void {
        core.context_logger_scalar(self.handle, @intFromPtr(name_.ptr), @intCast(name_.len), value, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
    }

    /// Logs a tensor with one element. Queues one small copy; the value is written once it has
    /// arrived.
    pub fn scalarTensor(self: Logger, name_: []const u8, value: Tensor) Error!void {
        core.context_logger_scalar_tensor(self.handle, @intFromPtr(name_.ptr), @intCast(name_.len), value.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
    }

    /// Logs the counts of `bins` equal bins between the smallest and the largest element; 1 to
    /// 1,024 bins. Syncs.
    pub fn histogram(self: Logger, name_: []const u8, values: Tensor, bins: u32) Error!void {
        core.context_logger_histogram(self.handle, @intFromPtr(name_.ptr), @intCast(name_.len), values.handle, @bitCast(bins), @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
    }

    /// Logs an image: [H, W], [C, H, W] or [N, C, H, W] with 1 or 3 channels, float in 0–1 or
    /// uint8. A batch becomes a grid. At most 16 Mi elements. Copies to the CPU: syncs.
    pub fn image(self: Logger, name_: []const u8, image_: Tensor) Error!void {
        core.context_logger_image(self.handle, @intFromPtr(name_.ptr), @intCast(name_.len), image_.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
    }

    /// Logs a text. Cut after 4 KiB.
    pub fn text(self: Logger, name_: []const u8, text_: []const u8) Error!void {
        core.context_logger_text(self.handle, @intFromPtr(name_.ptr), @intCast(name_.len), @intFromPtr(text_.ptr), @intCast(text_.len), @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
    }

    /// Writes a file to the callback's own folder of the run and replaces a file of that name.
    /// A name has up to 128 bytes of letters, digits and ` ._-+=,@()[]#%`; it neither begins
    /// with a dot nor ends with a dot or a space. Grant `files`.
    pub fn artifact(self: Logger, file_name: []const u8, data: []const u8) Error!void {
        core.context_logger_artifact(self.handle, @intFromPtr(file_name.ptr), @intCast(file_name.len), @intFromPtr(data.ptr), @intCast(data.len), @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
    }

    /// Writes an image as a PNG to the callback's own folder. Names are those of `artifact`,
    /// and tensors those of `image`. Syncs. Grant `files`.
    pub fn imageFile(self: Logger, file_name: []const u8, image_: Tensor) Error!void {
        core.context_logger_image_file(self.handle, @intFromPtr(file_name.ptr), @intCast(file_name.len), image_.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
    }
};

/// The state of training, lent for one call. A value that does not exist yet at this phase is
/// `none`, or the error `not-available`, whose message names the first phase that has it.
pub const PhaseContext = struct {
    handle: i32,


    /// The phase's name as exported, such as "on-train-batch-end".
    pub fn phase(self: PhaseContext) []const u8 {
        core.context_phase_context_phase(self.handle, @intFromPtr(&area));
        return list(u8, 0);
    }

    /// From 0; none before the first epoch. During average-best-models it is the last epoch.
    pub fn epoch(self: PhaseContext) ?u32 {
        core.context_phase_context_epoch(self.handle, @intFromPtr(&area));
        return if (area[0] != 0) load(u32, 4) else null;
    }

    /// From 0 within the loader in progress; none between loaders.
    pub fn batchIdx(self: PhaseContext) ?u64 {
        core.context_phase_context_batch_idx(self.handle, @intFromPtr(&area));
        return if (area[0] != 0) load(u64, 8) else null;
    }

    /// Optimizer steps done.
    pub fn globalStep(self: PhaseContext) u64 {
        return @bitCast(core.context_phase_context_global_step(self.handle));
    }

    /// Training samples seen, over all epochs.
    pub fn samplesSeen(self: PhaseContext) u64 {
        return @bitCast(core.context_phase_context_samples_seen(self.handle));
    }

    /// Epochs of the whole run.
    pub fn maxEpochs(self: PhaseContext) u32 {
        return @bitCast(core.context_phase_context_max_epochs(self.handle));
    }

    /// Optimizer steps in one epoch, with the present accumulation.
    pub fn stepsPerEpoch(self: PhaseContext) u64 {
        return @bitCast(core.context_phase_context_steps_per_epoch(self.handle));
    }

    /// Optimizer steps in the whole run, with the present accumulation.
    pub fn maxSteps(self: PhaseContext) u64 {
        return @bitCast(core.context_phase_context_max_steps(self.handle));
    }

    /// `epoch`, `batch-idx` and `global-step` in one crossing.
    pub fn position(self: PhaseContext) struct { ?u32, ?u64, u64 } {
        core.context_phase_context_position(self.handle, @intFromPtr(&area));
        return .{ if (area[0] != 0) load(u32, 4) else null, if (area[8] != 0) load(u64, 16) else null, load(u64, 24) };
    }

    /// `global-step` and `max-steps` in one crossing.
    pub fn progress(self: PhaseContext) struct { u64, u64 } {
        core.context_phase_context_progress(self.handle, @intFromPtr(&area));
        return .{ load(u64, 0), load(u64, 8) };
    }

    /// True in the last batch of the loader in progress.
    pub fn isLastBatch(self: PhaseContext) bool {
        return core.context_phase_context_is_last_batch(self.handle) != 0;
    }

    /// True if this batch completes an accumulation: an optimizer step follows or has happened.
    pub fn isAccumulationBoundary(self: PhaseContext) bool {
        return core.context_phase_context_is_accumulation_boundary(self.handle) != 0;
    }

    /// Seconds since training started, including the parts before a resume. Without grant
    /// `clock`, and with `deterministic_callbacks: true` in the recipe, this is the number of
    /// optimizer steps done: a clock of one second a step that is the same in every run.
    pub fn elapsedSeconds(self: PhaseContext) f64 {
        return core.context_phase_context_elapsed_seconds(self.handle);
    }

    /// The number of this process among all. Always 0 today: a run is one process.
    pub fn rank(self: PhaseContext) u32 {
        return @bitCast(core.context_phase_context_rank(self.handle));
    }

    /// The number of this process on its machine. Always 0 today: a run is one process.
    pub fn localRank(self: PhaseContext) u32 {
        return @bitCast(core.context_phase_context_local_rank(self.handle));
    }

    /// The number of processes in the run. Always 1 today: a run is one process.
    pub fn worldSize(self: PhaseContext) u32 {
        return @bitCast(core.context_phase_context_world_size(self.handle));
    }

    /// The recipe's seed.
    pub fn seed(self: PhaseContext) u64 {
        return @bitCast(core.context_phase_context_seed(self.handle));
    }

    /// Samples in the batch: its weight in every mean. 0 between batches.
    pub fn batchSize(self: PhaseContext) u64 {
        return @bitCast(core.context_phase_context_batch_size(self.handle));
    }

    /// [N, …] on the run's device. Changing it in place needs grant `inputs`.
    pub fn inputs(self: PhaseContext) Error!Tensor {
        core.context_phase_context_inputs(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// All inputs by name, in declared order. Changing them in place needs grant `inputs`.
    pub fn inputsGroup(self: PhaseContext) Error!TensorGroup {
        core.context_phase_context_inputs_group(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(TensorGroup, 4);
    }

    /// Classes [N] int64, or values [N, …] float32. Where samples have different numbers of
    /// things, such as boxes, it is [M, k]: the first column is the sample's index, and −1 in
    /// rows that hold nothing. Changing it in place needs grant `target`.
    pub fn target(self: PhaseContext) Error!Tensor {
        core.context_phase_context_target(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// All targets by name, in declared order. Changing them in place needs grant `target`.
    pub fn targetGroup(self: PhaseContext) Error!TensorGroup {
        core.context_phase_context_target_group(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(TensorGroup, 4);
    }

    /// The output of the network: from on-train-batch-forward-end, and at
    /// on-validation-batch-end and on-test-batch-end. It cannot be changed in place.
    pub fn preds(self: PhaseContext) Error!Tensor {
        core.context_phase_context_preds(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// All outputs of the network by name, in declared order, at the same phases. A network may
    /// have other outputs in training than in evaluation. They cannot be changed in place.
    pub fn predsGroup(self: PhaseContext) Error!TensorGroup {
        core.context_phase_context_preds_group(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(TensorGroup, 4);
    }

    /// The loss (0-d): from on-train-batch-loss-end, and at on-validation-batch-end and
    /// on-test-batch-end. A skipped batch has no loss: at its on-train-batch-end `loss`,
    /// `preds` and `loss-log-items` are `not-available`. Changing it in place needs grant
    /// `loss`.
    pub fn loss(self: PhaseContext) Error!Tensor {
        core.context_phase_context_loss(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// The loss and its parts, detached: one element for each of `loss-logging-items-names`.
    pub fn lossLogItems(self: PhaseContext) Error!Tensor {
        core.context_phase_context_loss_log_items(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// "loss" for the whole, then the names of its parts.
    pub fn lossLoggingItemsNames(self: PhaseContext) []const []const u8 {
        core.context_phase_context_loss_logging_items_names(self.handle, @intFromPtr(&area));
        return textList(0);
    }

    /// Names of the tensors that the data set gives beside inputs and target.
    pub fn additionalBatchItems(self: PhaseContext) []const []const u8 {
        core.context_phase_context_additional_batch_items(self.handle, @intFromPtr(&area));
        return textList(0);
    }

    /// One of these tensors. Changing it in place needs grant `inputs`.
    pub fn additionalBatchItem(self: PhaseContext, name_: []const u8) Error!Tensor {
        core.context_phase_context_additional_batch_item(self.handle, @intFromPtr(name_.ptr), @intCast(name_.len), @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// The network in training.
    pub fn net(self: PhaseContext) Error!Model {
        core.context_phase_context_net(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return Model{ .handle = load(i32, 4) };
    }

    /// The moving average of the network, with `ema: true` in the recipe.
    pub fn emaModel(self: PhaseContext) Error!Model {
        core.context_phase_context_ema_model(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return Model{ .handle = load(i32, 4) };
    }

    /// The optimizer.
    pub fn optimizer(self: PhaseContext) Error!Optimizer {
        core.context_phase_context_optimizer(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return Optimizer{ .handle = load(i32, 4) };
    }

    /// The loss function.
    pub fn criterion(self: PhaseContext) Error!Criterion {
        core.context_phase_context_criterion(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return Criterion{ .handle = load(i32, 4) };
    }

    /// The loader of the training data.
    pub fn trainLoader(self: PhaseContext) Error!DataLoader {
        core.context_phase_context_train_loader(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return DataLoader{ .handle = load(i32, 4) };
    }

    /// The loader of the validation data.
    pub fn validLoader(self: PhaseContext) Error!DataLoader {
        core.context_phase_context_valid_loader(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return DataLoader{ .handle = load(i32, 4) };
    }

    /// The loader of the test data, if the recipe has a test set.
    pub fn testLoader(self: PhaseContext) Error!DataLoader {
        core.context_phase_context_test_loader(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return DataLoader{ .handle = load(i32, 4) };
    }

    /// The loggers of the run.
    pub fn sgLogger(self: PhaseContext) Error!Logger {
        core.context_phase_context_sg_logger(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return Logger{ .handle = load(i32, 4) };
    }

    /// `net.parameters`.
    pub fn parameters(self: PhaseContext) Error!TensorGroup {
        core.context_phase_context_parameters(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(TensorGroup, 4);
    }

    /// `net.gradients`.
    pub fn gradients(self: PhaseContext) Error!TensorGroup {
        core.context_phase_context_gradients(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(TensorGroup, 4);
    }

    /// `net.buffers`.
    pub fn buffers(self: PhaseContext) Error!TensorGroup {
        core.context_phase_context_buffers(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(TensorGroup, 4);
    }

    /// `net.gradients` and `clip-norm-in-place`: answers the norm before (0-d), does not sync.
    /// Grant `gradients`.
    pub fn clipGradients(self: PhaseContext, max_norm: f64, p: f64) Error!Tensor {
        core.context_phase_context_clip_gradients(self.handle, max_norm, p, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// `clip-gradients`, and `log-scalar-tensor` of the norm before: without a tensor to drop.
    /// Grant `gradients`.
    pub fn clipAndLogGradients(self: PhaseContext, max_norm: f64, p: f64, name_: []const u8) Error!void {
        core.context_phase_context_clip_and_log_gradients(self.handle, max_norm, p, @intFromPtr(name_.ptr), @intCast(name_.len), @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
    }

    /// `optimizer.learning-rate`.
    pub fn learningRate(self: PhaseContext, group: []const u8) Error!f64 {
        core.context_phase_context_learning_rate(self.handle, @intFromPtr(group.ptr), @intCast(group.len), @intFromPtr(&area));
        if (area[0] != 0) return failed(8);
        return load(f64, 8);
    }

    /// `optimizer.set-learning-rate`. Grant `optimizer`.
    pub fn setLearningRate(self: PhaseContext, group: []const u8, value: f64) Error!void {
        core.context_phase_context_set_learning_rate(self.handle, @intFromPtr(group.ptr), @intCast(group.len), value, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
    }

    /// `sg-logger.scalar`.
    pub fn logScalar(self: PhaseContext, name_: []const u8, value: f64) Error!void {
        core.context_phase_context_log_scalar(self.handle, @intFromPtr(name_.ptr), @intCast(name_.len), value, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
    }

    /// `sg-logger.scalar` for each of at most 1,024 numbers, in order. It ends at the first
    /// that is refused; those before it are logged.
    pub fn logScalars(self: PhaseContext, values: []const ScalarEntry) Error!void {
        core.context_phase_context_log_scalars(self.handle, entries(values), @intCast(values.len), @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
    }

    /// `sg-logger.scalar-tensor`.
    pub fn logScalarTensor(self: PhaseContext, name_: []const u8, value: Tensor) Error!void {
        core.context_phase_context_log_scalar_tensor(self.handle, @intFromPtr(name_.ptr), @intCast(name_.len), value.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
    }

    /// The metrics last computed, under the names that are logged: train from
    /// on-train-loader-end, validation from on-validation-loader-end, test from
    /// on-test-loader-end. Those that callbacks have published follow.
    pub fn metricsDict(self: PhaseContext) []const ScalarEntry {
        core.context_phase_context_metrics_dict(self.handle, @intFromPtr(&area));
        return entryList(0);
    }

    /// One value of `metrics-dict`.
    pub fn metric(self: PhaseContext, name_: []const u8) ?f64 {
        core.context_phase_context_metric(self.handle, @intFromPtr(name_.ptr), @intCast(name_.len), @intFromPtr(&area));
        return if (area[0] != 0) load(f64, 8) else null;
    }

    /// Publishes a number as the metric `<callback>/<name>`: it is logged, is in `metrics-dict`
    /// until that is computed anew, and may be the recipe's `metric_to_watch`, which decides
    /// about the best epoch, its checkpoint and `average_best_models`. At on-train-loader-end,
    /// on-validation-loader-end and on-test-loader-end. Another value for the same name
    /// replaces the first. At most 256 names a callback, under the rules and limits of
    /// `logger.scalar`. To be watched a name must be among the `metrics` of `describe`, and the
    /// callback must publish it at every on-validation-loader-end: a missing value ends the run
    /// as failed. A value that is not a number is never the best.
    pub fn publishMetric(self: PhaseContext, name_: []const u8, value: f64) Error!void {
        core.context_phase_context_publish_metric(self.handle, @intFromPtr(name_.ptr), @intCast(name_.len), value, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
    }

    /// `publish-metric` with the value of a tensor of one element. Syncs.
    pub fn publishMetricTensor(self: PhaseContext, name_: []const u8, value: Tensor) Error!void {
        core.context_phase_context_publish_metric_tensor(self.handle, @intFromPtr(name_.ptr), @intCast(name_.len), value.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
    }

    /// The running metrics of the split in progress: train, validation or test.
    pub fn metricsComputeFn(self: PhaseContext) Error!Metrics {
        core.context_phase_context_metrics_compute_fn(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return Metrics{ .handle = load(i32, 4) };
    }

    /// The running validation metrics.
    pub fn validMetrics(self: PhaseContext) Error!Metrics {
        core.context_phase_context_valid_metrics(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return Metrics{ .handle = load(i32, 4) };
    }

    /// The values of a metric over this batch alone, where `preds` exist. The metric is JSON, as
    /// an entry of the recipe's `valid_metrics_list` has it: `"Accuracy"`, or `{"TopK": {"k": 3}}`;
    /// the recipe need not list it. The running metrics stay as they are. Syncs.
    pub fn batchMetric(self: PhaseContext, metric_: []const u8) Error![]const ScalarEntry {
        core.context_phase_context_batch_metric(self.handle, @intFromPtr(metric_.ptr), @intCast(metric_.len), @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return entryList(4);
    }

    /// The mean loss of the split so far (0-d, on the device). Starts kernels.
    pub fn lossAvgMeter(self: PhaseContext) Error!Tensor {
        core.context_phase_context_loss_avg_meter(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// The name of the metric that decides which epoch is best.
    pub fn metricToWatch(self: PhaseContext) []const u8 {
        core.context_phase_context_metric_to_watch(self.handle, @intFromPtr(&area));
        return list(u8, 0);
    }

    /// True if a higher value of that metric is better.
    pub fn greaterMetricToWatchIsBetter(self: PhaseContext) bool {
        return core.context_phase_context_greater_metric_to_watch_is_better(self.handle) != 0;
    }

    /// The best value of that metric so far.
    pub fn bestMetric(self: PhaseContext) ?f64 {
        core.context_phase_context_best_metric(self.handle, @intFromPtr(&area));
        return if (area[0] != 0) load(f64, 8) else null;
    }

    /// The epoch of that value.
    pub fn bestEpoch(self: PhaseContext) ?u32 {
        core.context_phase_context_best_epoch(self.handle, @intFromPtr(&area));
        return if (area[0] != 0) load(u32, 4) else null;
    }

    /// Epochs of the recipe's own warm-up.
    pub fn lrWarmupEpochs(self: PhaseContext) u32 {
        return @bitCast(core.context_phase_context_lr_warmup_epochs(self.handle));
    }

    /// "cpu" or "cuda:0".
    pub fn device(self: PhaseContext) []const u8 {
        core.context_phase_context_device(self.handle, @intFromPtr(&area));
        return list(u8, 0);
    }

    /// The recipe's `experiment_name`.
    pub fn experimentName(self: PhaseContext) []const u8 {
        core.context_phase_context_experiment_name(self.handle, @intFromPtr(&area));
        return list(u8, 0);
    }

    /// The path of the run's folder, to show and not to open: files go through the logger.
    pub fn ckptDir(self: PhaseContext) []const u8 {
        core.context_phase_context_ckpt_dir(self.handle, @intFromPtr(&area));
        return list(u8, 0);
    }

    /// The recipe's `training_hyperparams`.
    pub fn trainingParams(self: PhaseContext) []const u8 {
        core.context_phase_context_training_params(self.handle, @intFromPtr(&area));
        return list(u8, 0);
    }

    /// The recipe's `checkpoint_params`.
    pub fn checkpointParams(self: PhaseContext) []const u8 {
        core.context_phase_context_checkpoint_params(self.handle, @intFromPtr(&area));
        return list(u8, 0);
    }

    /// The recipe's `arch_params`.
    pub fn archParams(self: PhaseContext) []const u8 {
        core.context_phase_context_arch_params(self.handle, @intFromPtr(&area));
        return list(u8, 0);
    }

    /// The recipe's `architecture`.
    pub fn architecture(self: PhaseContext) []const u8 {
        core.context_phase_context_architecture(self.handle, @intFromPtr(&area));
        return list(u8, 0);
    }

    /// True if the recipe asks for no output on ranks other than 0.
    pub fn ddpSilentMode(self: PhaseContext) bool {
        return core.context_phase_context_ddp_silent_mode(self.handle) != 0;
    }

    /// True once a callback has requested a stop.
    pub fn stopTraining(self: PhaseContext) bool {
        return core.context_phase_context_stop_training(self.handle) != 0;
    }

    /// The end of what the phase is about. At on-train-batch-end: "stepped", "accumulated",
    /// "skipped-batch", "skipped-backward" or "skipped-step". At on-training-end: "completed",
    /// "stopped: <reason>", "interrupted" or "failed: <error>". At on-exception: the error. At
    /// on-interrupt: the signal. None at all other phases.
    pub fn outcome(self: PhaseContext) ?[]const u8 {
        core.context_phase_context_outcome(self.handle, @intFromPtr(&area));
        return if (area[0] != 0) list(u8, 4) else null;
    }

    /// At on-…-batch-start: a tensor on the run's device with as many samples as the batch, in
    /// place of the only input. Grant `inputs`.
    pub fn setInputs(self: PhaseContext, value: Tensor) Error!void {
        core.context_phase_context_set_inputs(self.handle, value.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
    }

    /// The same for the input of that name. Grant `inputs`.
    pub fn setInputsItem(self: PhaseContext, name_: []const u8, value: Tensor) Error!void {
        core.context_phase_context_set_inputs_item(self.handle, @intFromPtr(name_.ptr), @intCast(name_.len), value.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
    }

    /// At on-…-batch-start and on-train-batch-forward-end: a tensor on the run's device with as
    /// many samples as the batch, in place of the only target. A target whose rows are not
    /// samples may get another number of rows. Grant `target`.
    pub fn setTarget(self: PhaseContext, value: Tensor) Error!void {
        core.context_phase_context_set_target(self.handle, value.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
    }

    /// The same for the target of that name. Grant `target`.
    pub fn setTargetItem(self: PhaseContext, name_: []const u8, value: Tensor) Error!void {
        core.context_phase_context_set_target_item(self.handle, @intFromPtr(name_.ptr), @intCast(name_.len), value.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
    }

    /// At on-train-batch-loss-end: one element, made from the loss or the predictions so that
    /// gradients reach the parameters. Grant `loss`.
    pub fn setLoss(self: PhaseContext, value: Tensor) Error!void {
        core.context_phase_context_set_loss(self.handle, value.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
    }

    /// At on-train-batch-gradient-step-start: replaces the gradients by those of the batch at
    /// the present parameters, by a forward pass, a loss and a backward pass in training mode.
    /// Returns the loss of this pass (0-d); `preds` and `loss` stay as they are. For
    /// sharpness-aware minimization, change the parameters before and put them back after. The
    /// loss is the recipe's: what `set-loss` has replaced is not repeated, and dropout draws
    /// anew.
    /// `unsupported` where several batches make one step. Grant `gradients` too.
    pub fn repeatBackward(self: PhaseContext) Error!Tensor {
        core.context_phase_context_repeat_backward(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// At on-train-batch-loss-end: the mean over samples of (‖∂ Σ preds / ∂ inputs‖₂ − norm)² at
    /// `inputs`, given as for `model.forward` (0-d). In mode "train"; the sum is over all
    /// predictions, and the norm over all inputs of a sample together. Gradients reach the parameters through it:
    /// add it to the loss and give that to `set-loss`.
    pub fn gradientPenalty(self: PhaseContext, inputs_: []const Tensor, norm_: f64) Error!Tensor {
        const inputs__list = handles(Tensor, inputs_);
        core.context_phase_context_gradient_penalty(self.handle, @intFromPtr(inputs__list.ptr), @intCast(inputs_.len), norm_, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
        return tracked(Tensor, 4);
    }

    /// Ends training after the current "batch", "step" (optimizer step) or "epoch". An epoch
    /// that is cut short is not validated. The earliest of several requests counts. Grant
    /// `stop`.
    pub fn requestStop(self: PhaseContext, at: []const u8, reason: []const u8) Error!void {
        core.context_phase_context_request_stop(self.handle, @intFromPtr(at.ptr), @intCast(at.len), @intFromPtr(reason.ptr), @intCast(reason.len), @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
    }

    /// Ends training if the value is above the threshold, at the batch after the value has
    /// arrived. At most 256 values wait at one time. Grant `stop`.
    pub fn stopIfAbove(self: PhaseContext, value: Tensor, threshold: f64, reason: []const u8) Error!void {
        core.context_phase_context_stop_if_above(self.handle, value.handle, threshold, @intFromPtr(reason.ptr), @intCast(reason.len), @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
    }

    /// Ends training if the value is infinite or not-a-number, at the batch after the value has
    /// arrived. At most 256 values wait at one time. Grant `stop`.
    pub fn stopIfNonfinite(self: PhaseContext, value: Tensor, reason: []const u8) Error!void {
        core.context_phase_context_stop_if_nonfinite(self.handle, value.handle, @intFromPtr(reason.ptr), @intCast(reason.len), @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
    }

    /// Ends the training part of this epoch; validation and the next epoch follow. Grant
    /// `stop`.
    pub fn stopEpoch(self: PhaseContext, reason: []const u8) Error!void {
        core.context_phase_context_stop_epoch(self.handle, @intFromPtr(reason.ptr), @intCast(reason.len), @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
    }

    /// At on-train-batch-start: neither forward nor backward for this batch. Grant `skip`.
    pub fn skipBatch(self: PhaseContext, reason: []const u8) Error!void {
        core.context_phase_context_skip_batch(self.handle, @intFromPtr(reason.ptr), @intCast(reason.len), @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
    }

    /// Up to on-train-batch-loss-end: no backward for this batch. Grant `skip`.
    pub fn skipBackward(self: PhaseContext, reason: []const u8) Error!void {
        core.context_phase_context_skip_backward(self.handle, @intFromPtr(reason.ptr), @intCast(reason.len), @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
    }

    /// Up to on-train-batch-gradient-ready: gradients are cleared instead of used. Grant
    /// `skip`.
    pub fn skipStep(self: PhaseContext, reason: []const u8) Error!void {
        core.context_phase_context_skip_step(self.handle, @intFromPtr(reason.ptr), @intCast(reason.len), @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
    }

    /// Validates after this batch. Grant `validate`.
    pub fn requestValidation(self: PhaseContext) Error!void {
        core.context_phase_context_request_validation(self.handle, @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
    }

    /// Saves a checkpoint `ckpt_<tag>` after this batch. A tag has 1 to 64 letters, digits, `_`
    /// and `-`. The trainer's own tags (`latest`, `best`, `best_…`, `error`, `epoch_…`) are
    /// refused. Grant `checkpoint`.
    pub fn requestCheckpoint(self: PhaseContext, tag: []const u8) Error!void {
        core.context_phase_context_request_checkpoint(self.handle, @intFromPtr(tag.ptr), @intCast(tag.len), @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
    }

    /// Sets how many batches make one optimizer step, from the next step on. Grant `optimizer`.
    pub fn setAccumulation(self: PhaseContext, batches_: u32) Error!void {
        core.context_phase_context_set_accumulation(self.handle, @bitCast(batches_), @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
    }

    /// Ends the calls of this callback for the rest of the run, except those that save its
    /// state.
    pub fn disableSelf(self: PhaseContext, reason: []const u8) Error!void {
        core.context_phase_context_disable_self(self.handle, @intFromPtr(reason.ptr), @intCast(reason.len), @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
    }

    /// Ends the run as failed, whatever the recipe's `on_error` says. Grant `stop`.
    pub fn abort(self: PhaseContext, reason: []const u8) Error!void {
        core.context_phase_context_abort(self.handle, @intFromPtr(reason.ptr), @intCast(reason.len), @intFromPtr(&area));
        if (area[0] != 0) return failed(4);
    }
};

/// Zeros.
pub fn zeros(shape: []const i64, dtype: Dtype, device_: []const u8) Error!Tensor {
    core.tensor_zeros(@intFromPtr(shape.ptr), @intCast(shape.len), @intFromEnum(dtype), @intFromPtr(device_.ptr), @intCast(device_.len), @intFromPtr(&area));
    if (area[0] != 0) return failed(4);
    return tracked(Tensor, 4);
}

/// Every element is `value`.
pub fn full(shape: []const i64, value: f64, dtype: Dtype, device_: []const u8) Error!Tensor {
    core.tensor_full(@intFromPtr(shape.ptr), @intCast(shape.len), value, @intFromEnum(dtype), @intFromPtr(device_.ptr), @intCast(device_.len), @intFromPtr(&area));
    if (area[0] != 0) return failed(4);
    return tracked(Tensor, 4);
}

/// start, start + step, … below end (1-d).
pub fn arange(start: f64, end: f64, step: f64, dtype: Dtype, device_: []const u8) Error!Tensor {
    core.tensor_arange(start, end, step, @intFromEnum(dtype), @intFromPtr(device_.ptr), @intCast(device_.len), @intFromPtr(&area));
    if (area[0] != 0) return failed(4);
    return tracked(Tensor, 4);
}

/// Uniform in [0, 1), float32. `rand`, `randn` and `randperm` draw from the callback's own
/// generator, which is seeded by the run's seed and the callback's name and saved in
/// checkpoints: a seed gives the same numbers in every run, on every device. The host draws on
/// the CPU and copies to the device. Grant `random`.
pub fn rand(shape: []const i64, device_: []const u8) Error!Tensor {
    core.tensor_rand(@intFromPtr(shape.ptr), @intCast(shape.len), @intFromPtr(device_.ptr), @intCast(device_.len), @intFromPtr(&area));
    if (area[0] != 0) return failed(4);
    return tracked(Tensor, 4);
}

/// Standard normal, float32. Grant `random`.
pub fn randn(shape: []const i64, device_: []const u8) Error!Tensor {
    core.tensor_randn(@intFromPtr(shape.ptr), @intCast(shape.len), @intFromPtr(device_.ptr), @intCast(device_.len), @intFromPtr(&area));
    if (area[0] != 0) return failed(4);
    return tracked(Tensor, 4);
}

/// A random order of 0..n (1-d, int64). Grant `random`.
pub fn randperm(n: u32, device_: []const u8) Error!Tensor {
    core.tensor_randperm(@bitCast(n), @intFromPtr(device_.ptr), @intCast(device_.len), @intFromPtr(&area));
    if (area[0] != 0) return failed(4);
    return tracked(Tensor, 4);
}

/// Copies float32 values to the device. Their number must be the product of `shape`.
pub fn fromF32(shape: []const i64, values: []const f32, device_: []const u8) Error!Tensor {
    core.tensor_from_f32(@intFromPtr(shape.ptr), @intCast(shape.len), @intFromPtr(values.ptr), @intCast(values.len), @intFromPtr(device_.ptr), @intCast(device_.len), @intFromPtr(&area));
    if (area[0] != 0) return failed(4);
    return tracked(Tensor, 4);
}

/// Copies int64 values to the device. Their number must be the product of `shape`.
pub fn fromS64(shape: []const i64, values: []const i64, device_: []const u8) Error!Tensor {
    core.tensor_from_s64(@intFromPtr(shape.ptr), @intCast(shape.len), @intFromPtr(values.ptr), @intCast(values.len), @intFromPtr(device_.ptr), @intCast(device_.len), @intFromPtr(&area));
    if (area[0] != 0) return failed(4);
    return tracked(Tensor, 4);
}

/// The tensors joined along an existing dimension. 1 to 4,096 tensors.
pub fn cat(tensors: []const Tensor, dim: i64) Error!Tensor {
    const tensors_list = handles(Tensor, tensors);
    core.tensor_cat(@intFromPtr(tensors_list.ptr), @intCast(tensors.len), dim, @intFromPtr(&area));
    if (area[0] != 0) return failed(4);
    return tracked(Tensor, 4);
}

/// The tensors joined along a new dimension. 1 to 4,096 tensors.
pub fn stack(tensors: []const Tensor, dim: i64) Error!Tensor {
    const tensors_list = handles(Tensor, tensors);
    core.tensor_stack(@intFromPtr(tensors_list.ptr), @intCast(tensors.len), dim, @intFromPtr(&area));
    if (area[0] != 0) return failed(4);
    return tracked(Tensor, 4);
}

/// Boxes [..., 4] in another format, as torchvision.ops.box_convert. A copy.
pub fn boxConvert(boxes: Tensor, in_format: []const u8, out_format: []const u8) Error!Tensor {
    core.vision_box_convert(boxes.handle, @intFromPtr(in_format.ptr), @intCast(in_format.len), @intFromPtr(out_format.ptr), @intCast(out_format.len), @intFromPtr(&area));
    if (area[0] != 0) return failed(4);
    return tracked(Tensor, 4);
}

/// The intersection over union of each box of `a` [N, 4] with each of `b` [M, 4], as
/// torchvision.ops.box_iou ([N, M]). Computed in float32 at least. Two boxes without area give
/// not-a-number.
pub fn boxIou(a: Tensor, b: Tensor) Error!Tensor {
    core.vision_box_iou(a.handle, b.handle, @intFromPtr(&area));
    if (area[0] != 0) return failed(4);
    return tracked(Tensor, 4);
}

/// The indices of the boxes [N, 4] that remain when each box that overlaps a kept one of a higher
/// score by more than `iou-threshold` is left out; the highest score first (1-d, int64), as
/// torchvision.ops.nms. `scores` are floating point [N], `classes` integers [N]: with classes a
/// box leaves out boxes of its own class alone, as torchvision.ops.batched_nms. At most 32,768
/// boxes (`too-large`). Copies them to the CPU, compares them there in float32, and syncs.
pub fn nms(boxes: Tensor, scores: Tensor, classes: ?Tensor, iou_threshold: f64) Error!Tensor {
    core.vision_nms(boxes.handle, scores.handle, @intFromBool(classes != null), if (classes) |some| some.handle else 0, iou_threshold, @intFromPtr(&area));
    if (area[0] != 0) return failed(4);
    return tracked(Tensor, 4);
}

/// Draws the outlines of boxes [N, 4], which are in pixels. Fractions are cut off, both corners
/// belong to a box, and its line of `width` pixels (1 to 32) grows inward, as
/// torchvision.utils.draw_bounding_boxes. `labels` has one text for each box, or none: it is
/// written into the corner at the top left in the color of its box, as `draw-text` does. At most
/// 1,024 boxes (`too-large`), with labels of at most 256 bytes. A box that is not finite, or whose
/// right or bottom comes before its left or top, is refused. Copies the boxes to the CPU and
/// syncs; the image stays where it is.
pub fn drawBoxes(image_: Tensor, boxes: Tensor, colors: []const u32, width: u32, labels: []const []const u8, label_scale: u32) Error!Tensor {
    core.vision_draw_boxes(image_.handle, boxes.handle, @intFromPtr(colors.ptr), @intCast(colors.len), @bitCast(width), texts(labels), @intCast(labels.len), @bitCast(label_scale), @intFromPtr(&area));
    if (area[0] != 0) return failed(4);
    return tracked(Tensor, 4);
}

/// Lays a color over the pixels of each of the boolean masks [N, H, W]: image × (1 − alpha) +
/// color × alpha, for `alpha` from 0 to 1. Where masks overlap, the last one counts, as with
/// torchvision.utils.draw_segmentation_masks; uint8 is rounded. At most 256 masks (`too-large`),
/// one launch for each. Does not sync.
pub fn drawMasks(image_: Tensor, masks: Tensor, colors: []const u32, alpha: f64) Error!Tensor {
    core.vision_draw_masks(image_.handle, masks.handle, @intFromPtr(colors.ptr), @intCast(colors.len), alpha, @intFromPtr(&area));
    if (area[0] != 0) return failed(4);
    return tracked(Tensor, 4);
}

/// Writes text whose first letter has its top left corner at (x, y). Letters are 5 pixels wide
/// and 7 high, 6 and 8 with the gaps, times `scale` (1 to 8). There are the printable characters of
/// ASCII; a line break begins a new line below the first letter, and any other character is a
/// hollow box. At most 4,096 bytes. Does not sync.
pub fn drawText(image_: Tensor, text_: []const u8, x: i32, y: i32, color: u32, scale: u32) Error!Tensor {
    core.vision_draw_text(image_.handle, @intFromPtr(text_.ptr), @intCast(text_.len), x, y, @bitCast(color), @bitCast(scale), @intFromPtr(&area));
    if (area[0] != 0) return failed(4);
    return tracked(Tensor, 4);
}

/// Takes back handles that are no longer needed: one crossing for all of them, where dropping
/// costs two each. A handle that was made during a call ends with the call, and so does its place in
/// the limit `handles`; what stays is its number, of which a guest may hold 1,000,000 of a kind. The
/// SDKs for Rust, C and JavaScript call this now and then; an author need not. Handles that were
/// kept may be among them.
pub fn release(tensors: []const Tensor, groups: []const TensorGroup) void {
    const tensors_list = handles(Tensor, tensors);
    for (tensors) |handle| _ = untrack(.tensor, handle.handle);
    const groups_list = handles(TensorGroup, groups);
    for (groups) |handle| _ = untrack(.tensor_group, handle.handle);
    core.context_release(@intFromPtr(tensors_list.ptr), @intCast(tensors.len), @intFromPtr(groups_list.ptr), @intCast(groups.len));
}

/// Copies a tensor on its device and keeps the copy under `name`. Replaces the previous entry.
pub fn storeTensor(name_: []const u8, value: Tensor) Error!void {
    core.storage_store_tensor(@intFromPtr(name_.ptr), @intCast(name_.len), value.handle, @intFromPtr(&area));
    if (area[0] != 0) return failed(4);
}

/// The kept tensor itself: a change in place changes the entry. None if there is no entry. An
/// entry that is a group is an error.
pub fn loadTensor(name_: []const u8) Error!?Tensor {
    core.storage_load_tensor(@intFromPtr(name_.ptr), @intCast(name_.len), @intFromPtr(&area));
    if (area[0] != 0) return failed(4);
    return if (area[4] != 0) Tensor{ .handle = load(i32, 8) } else null;
}

/// Copies all members of a group, as `store-tensor` does. One launch for each member.
pub fn storeGroup(name_: []const u8, value: TensorGroup) Error!void {
    core.storage_store_group(@intFromPtr(name_.ptr), @intCast(name_.len), value.handle, @intFromPtr(&area));
    if (area[0] != 0) return failed(4);
}

/// The kept group itself: a change in place changes the entry. None if there is no entry. An
/// entry that is a single tensor is an error.
pub fn loadGroup(name_: []const u8) Error!?TensorGroup {
    core.storage_load_group(@intFromPtr(name_.ptr), @intCast(name_.len), @intFromPtr(&area));
    if (area[0] != 0) return failed(4);
    return if (area[4] != 0) TensorGroup{ .handle = load(i32, 8) } else null;
}

/// Removes an entry. True if there was one.
pub fn forget(name_: []const u8) Error!bool {
    core.storage_forget(@intFromPtr(name_.ptr), @intCast(name_.len), @intFromPtr(&area));
    if (area[0] != 0) return failed(4);
    return area[4] != 0;
}

/// Writes one line to the run's log under the callback's name. Control characters are escaped,
/// and the text is cut after 4 KiB. Lines beyond the limit `log_lines` in a step are left out;
/// one warning then says how many there were.
pub fn log(level: Level, text_: []const u8) void {
    core.diagnostics_log(@intFromEnum(level), @intFromPtr(text_.ptr), @intCast(text_.len));
}

/// Reports the panic or uncaught exception because of which the callback is about to trap. A
/// trap alone loses the message, the source line and the traceback. SDKs call this function,
/// and the run's error then shows all three.
pub fn reportFailure(message: []const u8, location: []const u8, traceback: []const u8) void {
    core.diagnostics_report_failure(@intFromPtr(message.ptr), @intCast(message.len), @intFromPtr(location.ptr), @intCast(location.len), @intFromPtr(traceback.ptr), @intCast(traceback.len));
}

const core = struct {
    const drop_deferred = struct { extern "phasebox:train/tensor@0.1.0" fn @"[resource-drop]deferred"(i32) void; }.@"[resource-drop]deferred";
    const drop_tensor = struct { extern "phasebox:train/tensor@0.1.0" fn @"[resource-drop]tensor"(i32) void; }.@"[resource-drop]tensor";
    const drop_tensor_group = struct { extern "phasebox:train/tensor@0.1.0" fn @"[resource-drop]tensor-group"(i32) void; }.@"[resource-drop]tensor-group";
    const drop_model = struct { extern "phasebox:train/context@0.1.0" fn @"[resource-drop]model"(i32) void; }.@"[resource-drop]model";
    const drop_optimizer = struct { extern "phasebox:train/context@0.1.0" fn @"[resource-drop]optimizer"(i32) void; }.@"[resource-drop]optimizer";
    const drop_criterion = struct { extern "phasebox:train/context@0.1.0" fn @"[resource-drop]criterion"(i32) void; }.@"[resource-drop]criterion";
    const drop_data_loader = struct { extern "phasebox:train/context@0.1.0" fn @"[resource-drop]data-loader"(i32) void; }.@"[resource-drop]data-loader";
    const drop_metrics = struct { extern "phasebox:train/context@0.1.0" fn @"[resource-drop]metrics"(i32) void; }.@"[resource-drop]metrics";
    const drop_logger = struct { extern "phasebox:train/context@0.1.0" fn @"[resource-drop]logger"(i32) void; }.@"[resource-drop]logger";
    const drop_phase_context = struct { extern "phasebox:train/context@0.1.0" fn @"[resource-drop]phase-context"(i32) void; }.@"[resource-drop]phase-context";
    const tensor_deferred_poll = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]deferred.poll"(i32, usize) void; }.@"[method]deferred.poll";
    const tensor_deferred_wait = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]deferred.wait"(i32, usize) void; }.@"[method]deferred.wait";
    const tensor_tensor_info = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.info"(i32, usize) void; }.@"[method]tensor.info";
    const tensor_tensor_keep = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.keep"(i32, usize) void; }.@"[method]tensor.keep";
    const tensor_tensor_item = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.item"(i32, usize) void; }.@"[method]tensor.item";
    const tensor_tensor_defer = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.defer"(i32, usize) void; }.@"[method]tensor.defer";
    const tensor_tensor_read_f32 = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.read-f32"(i32, i64, i32, usize) void; }.@"[method]tensor.read-f32";
    const tensor_tensor_read_s64 = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.read-s64"(i32, i64, i32, usize) void; }.@"[method]tensor.read-s64";
    const tensor_tensor_add = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.add"(i32, i32, f64, usize) void; }.@"[method]tensor.add";
    const tensor_tensor_sub = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.sub"(i32, i32, usize) void; }.@"[method]tensor.sub";
    const tensor_tensor_mul = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.mul"(i32, i32, usize) void; }.@"[method]tensor.mul";
    const tensor_tensor_div = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.div"(i32, i32, usize) void; }.@"[method]tensor.div";
    const tensor_tensor_maximum = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.maximum"(i32, i32, usize) void; }.@"[method]tensor.maximum";
    const tensor_tensor_minimum = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.minimum"(i32, i32, usize) void; }.@"[method]tensor.minimum";
    const tensor_tensor_lerp = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.lerp"(i32, i32, f64, usize) void; }.@"[method]tensor.lerp";
    const tensor_tensor_atan2 = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.atan2"(i32, i32, usize) void; }.@"[method]tensor.atan2";
    const tensor_tensor_clamp_between = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.clamp-between"(i32, i32, i32, usize) void; }.@"[method]tensor.clamp-between";
    const tensor_tensor_affine = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.affine"(i32, f64, f64, usize) void; }.@"[method]tensor.affine";
    const tensor_tensor_pow = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.pow"(i32, f64, usize) void; }.@"[method]tensor.pow";
    const tensor_tensor_clamp = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.clamp"(i32, i32, f64, i32, f64, usize) void; }.@"[method]tensor.clamp";
    const tensor_tensor_neg = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.neg"(i32, usize) void; }.@"[method]tensor.neg";
    const tensor_tensor_abs = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.abs"(i32, usize) void; }.@"[method]tensor.abs";
    const tensor_tensor_sign = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.sign"(i32, usize) void; }.@"[method]tensor.sign";
    const tensor_tensor_exp = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.exp"(i32, usize) void; }.@"[method]tensor.exp";
    const tensor_tensor_log = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.log"(i32, usize) void; }.@"[method]tensor.log";
    const tensor_tensor_log1p = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.log1p"(i32, usize) void; }.@"[method]tensor.log1p";
    const tensor_tensor_expm1 = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.expm1"(i32, usize) void; }.@"[method]tensor.expm1";
    const tensor_tensor_erf = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.erf"(i32, usize) void; }.@"[method]tensor.erf";
    const tensor_tensor_sqrt = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.sqrt"(i32, usize) void; }.@"[method]tensor.sqrt";
    const tensor_tensor_rsqrt = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.rsqrt"(i32, usize) void; }.@"[method]tensor.rsqrt";
    const tensor_tensor_sin = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.sin"(i32, usize) void; }.@"[method]tensor.sin";
    const tensor_tensor_cos = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.cos"(i32, usize) void; }.@"[method]tensor.cos";
    const tensor_tensor_floor = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.floor"(i32, usize) void; }.@"[method]tensor.floor";
    const tensor_tensor_round = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.round"(i32, usize) void; }.@"[method]tensor.round";
    const tensor_tensor_tanh = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.tanh"(i32, usize) void; }.@"[method]tensor.tanh";
    const tensor_tensor_sigmoid = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.sigmoid"(i32, usize) void; }.@"[method]tensor.sigmoid";
    const tensor_tensor_relu = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.relu"(i32, usize) void; }.@"[method]tensor.relu";
    const tensor_tensor_softmax = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.softmax"(i32, i64, usize) void; }.@"[method]tensor.softmax";
    const tensor_tensor_log_softmax = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.log-softmax"(i32, i64, usize) void; }.@"[method]tensor.log-softmax";
    const tensor_tensor_cumsum = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.cumsum"(i32, i64, usize) void; }.@"[method]tensor.cumsum";
    const tensor_tensor_nan_to_num = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.nan-to-num"(i32, f64, i32, f64, i32, f64, usize) void; }.@"[method]tensor.nan-to-num";
    const tensor_tensor_masked_fill = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.masked-fill"(i32, i32, f64, usize) void; }.@"[method]tensor.masked-fill";
    const tensor_tensor_eq = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.eq"(i32, i32, usize) void; }.@"[method]tensor.eq";
    const tensor_tensor_ne = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.ne"(i32, i32, usize) void; }.@"[method]tensor.ne";
    const tensor_tensor_lt = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.lt"(i32, i32, usize) void; }.@"[method]tensor.lt";
    const tensor_tensor_le = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.le"(i32, i32, usize) void; }.@"[method]tensor.le";
    const tensor_tensor_gt = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.gt"(i32, i32, usize) void; }.@"[method]tensor.gt";
    const tensor_tensor_ge = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.ge"(i32, i32, usize) void; }.@"[method]tensor.ge";
    const tensor_tensor_eq_scalar = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.eq-scalar"(i32, f64, usize) void; }.@"[method]tensor.eq-scalar";
    const tensor_tensor_ne_scalar = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.ne-scalar"(i32, f64, usize) void; }.@"[method]tensor.ne-scalar";
    const tensor_tensor_lt_scalar = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.lt-scalar"(i32, f64, usize) void; }.@"[method]tensor.lt-scalar";
    const tensor_tensor_le_scalar = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.le-scalar"(i32, f64, usize) void; }.@"[method]tensor.le-scalar";
    const tensor_tensor_gt_scalar = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.gt-scalar"(i32, f64, usize) void; }.@"[method]tensor.gt-scalar";
    const tensor_tensor_ge_scalar = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.ge-scalar"(i32, f64, usize) void; }.@"[method]tensor.ge-scalar";
    const tensor_tensor_isfinite = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.isfinite"(i32, usize) void; }.@"[method]tensor.isfinite";
    const tensor_tensor_isnan = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.isnan"(i32, usize) void; }.@"[method]tensor.isnan";
    const tensor_tensor_isinf = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.isinf"(i32, usize) void; }.@"[method]tensor.isinf";
    const tensor_tensor_logical_not = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.logical-not"(i32, usize) void; }.@"[method]tensor.logical-not";
    const tensor_tensor_logical_and = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.logical-and"(i32, i32, usize) void; }.@"[method]tensor.logical-and";
    const tensor_tensor_logical_or = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.logical-or"(i32, i32, usize) void; }.@"[method]tensor.logical-or";
    const tensor_tensor_logical_xor = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.logical-xor"(i32, i32, usize) void; }.@"[method]tensor.logical-xor";
    const tensor_tensor_choose = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.choose"(i32, i32, i32, usize) void; }.@"[method]tensor.choose";
    const tensor_tensor_choose_if_true_scalar = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.choose-if-true-scalar"(i32, f64, i32, usize) void; }.@"[method]tensor.choose-if-true-scalar";
    const tensor_tensor_choose_if_false_scalar = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.choose-if-false-scalar"(i32, i32, f64, usize) void; }.@"[method]tensor.choose-if-false-scalar";
    const tensor_tensor_choose_scalars = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.choose-scalars"(i32, f64, f64, usize) void; }.@"[method]tensor.choose-scalars";
    const tensor_tensor_sum = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.sum"(i32, usize, i32, i32, usize) void; }.@"[method]tensor.sum";
    const tensor_tensor_mean = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.mean"(i32, usize, i32, i32, usize) void; }.@"[method]tensor.mean";
    const tensor_tensor_prod = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.prod"(i32, usize, i32, i32, usize) void; }.@"[method]tensor.prod";
    const tensor_tensor_logsumexp = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.logsumexp"(i32, usize, i32, i32, usize) void; }.@"[method]tensor.logsumexp";
    const tensor_tensor_amin = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.amin"(i32, usize, i32, i32, usize) void; }.@"[method]tensor.amin";
    const tensor_tensor_amax = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.amax"(i32, usize, i32, i32, usize) void; }.@"[method]tensor.amax";
    const tensor_tensor_std = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.std"(i32, usize, i32, i32, i32, usize) void; }.@"[method]tensor.std";
    const tensor_tensor_var = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.var"(i32, usize, i32, i32, i32, usize) void; }.@"[method]tensor.var";
    const tensor_tensor_norm = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.norm"(i32, f64, usize, i32, i32, usize) void; }.@"[method]tensor.norm";
    const tensor_tensor_all = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.all"(i32, usize) void; }.@"[method]tensor.all";
    const tensor_tensor_any = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.any"(i32, usize) void; }.@"[method]tensor.any";
    const tensor_tensor_argmax = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.argmax"(i32, i64, i32, usize) void; }.@"[method]tensor.argmax";
    const tensor_tensor_argmin = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.argmin"(i32, i64, i32, usize) void; }.@"[method]tensor.argmin";
    const tensor_tensor_median = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.median"(i32, usize) void; }.@"[method]tensor.median";
    const tensor_tensor_median_dim = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.median-dim"(i32, i64, i32, usize) void; }.@"[method]tensor.median-dim";
    const tensor_tensor_sort = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.sort"(i32, i64, i32, usize) void; }.@"[method]tensor.sort";
    const tensor_tensor_topk = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.topk"(i32, i32, i64, usize) void; }.@"[method]tensor.topk";
    const tensor_tensor_quantile = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.quantile"(i32, f64, usize) void; }.@"[method]tensor.quantile";
    const tensor_tensor_histogram = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.histogram"(i32, i32, f64, f64, usize) void; }.@"[method]tensor.histogram";
    const tensor_tensor_count_nonzero = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.count-nonzero"(i32, usize) void; }.@"[method]tensor.count-nonzero";
    const tensor_tensor_count_nonfinite = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.count-nonfinite"(i32, usize) void; }.@"[method]tensor.count-nonfinite";
    const tensor_tensor_index_select = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.index-select"(i32, i64, i32, usize) void; }.@"[method]tensor.index-select";
    const tensor_tensor_gather = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.gather"(i32, i64, i32, usize) void; }.@"[method]tensor.gather";
    const tensor_tensor_scatter = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.scatter"(i32, i64, i32, i32, usize) void; }.@"[method]tensor.scatter";
    const tensor_tensor_scatter_scalar = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.scatter-scalar"(i32, i64, i32, f64, usize) void; }.@"[method]tensor.scatter-scalar";
    const tensor_tensor_scatter_add = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.scatter-add"(i32, i64, i32, i32, usize) void; }.@"[method]tensor.scatter-add";
    const tensor_tensor_masked_select = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.masked-select"(i32, i32, usize) void; }.@"[method]tensor.masked-select";
    const tensor_tensor_nonzero = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.nonzero"(i32, usize) void; }.@"[method]tensor.nonzero";
    const tensor_tensor_reshape = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.reshape"(i32, usize, i32, usize) void; }.@"[method]tensor.reshape";
    const tensor_tensor_permute = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.permute"(i32, usize, i32, usize) void; }.@"[method]tensor.permute";
    const tensor_tensor_transpose = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.transpose"(i32, i64, i64, usize) void; }.@"[method]tensor.transpose";
    const tensor_tensor_squeeze = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.squeeze"(i32, i64, usize) void; }.@"[method]tensor.squeeze";
    const tensor_tensor_unsqueeze = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.unsqueeze"(i32, i64, usize) void; }.@"[method]tensor.unsqueeze";
    const tensor_tensor_expand = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.expand"(i32, usize, i32, usize) void; }.@"[method]tensor.expand";
    const tensor_tensor_narrow = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.narrow"(i32, i64, i64, i64, usize) void; }.@"[method]tensor.narrow";
    const tensor_tensor_select = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.select"(i32, i64, i64, usize) void; }.@"[method]tensor.select";
    const tensor_tensor_flip = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.flip"(i32, usize, i32, usize) void; }.@"[method]tensor.flip";
    const tensor_tensor_roll = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.roll"(i32, i64, i64, usize) void; }.@"[method]tensor.roll";
    const tensor_tensor_pad = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.pad"(i32, usize, i32, usize, i32, f64, usize) void; }.@"[method]tensor.pad";
    const tensor_tensor_interpolate = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.interpolate"(i32, i32, i32, usize, i32, usize) void; }.@"[method]tensor.interpolate";
    const tensor_tensor_matmul = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.matmul"(i32, i32, usize) void; }.@"[method]tensor.matmul";
    const tensor_tensor_one_hot = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.one-hot"(i32, i32, usize) void; }.@"[method]tensor.one-hot";
    const tensor_tensor_to_dtype = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.to-dtype"(i32, i32, usize) void; }.@"[method]tensor.to-dtype";
    const tensor_tensor_to_device = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.to-device"(i32, usize, i32, usize) void; }.@"[method]tensor.to-device";
    const tensor_tensor_contiguous = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.contiguous"(i32, usize) void; }.@"[method]tensor.contiguous";
    const tensor_tensor_detach = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.detach"(i32, usize) void; }.@"[method]tensor.detach";
    const tensor_tensor_duplicate = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.duplicate"(i32, usize) void; }.@"[method]tensor.duplicate";
    const tensor_tensor_copy_in_place = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.copy-in-place"(i32, i32, usize) void; }.@"[method]tensor.copy-in-place";
    const tensor_tensor_add_in_place = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.add-in-place"(i32, i32, f64, usize) void; }.@"[method]tensor.add-in-place";
    const tensor_tensor_mul_in_place = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.mul-in-place"(i32, i32, usize) void; }.@"[method]tensor.mul-in-place";
    const tensor_tensor_affine_in_place = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.affine-in-place"(i32, f64, f64, usize) void; }.@"[method]tensor.affine-in-place";
    const tensor_tensor_lerp_in_place = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.lerp-in-place"(i32, i32, f64, usize) void; }.@"[method]tensor.lerp-in-place";
    const tensor_tensor_clamp_in_place = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.clamp-in-place"(i32, i32, f64, i32, f64, usize) void; }.@"[method]tensor.clamp-in-place";
    const tensor_tensor_fill_in_place = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.fill-in-place"(i32, f64, usize) void; }.@"[method]tensor.fill-in-place";
    const tensor_tensor_normal_in_place = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.normal-in-place"(i32, f64, f64, usize) void; }.@"[method]tensor.normal-in-place";
    const tensor_tensor_masked_fill_in_place = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor.masked-fill-in-place"(i32, i32, f64, usize) void; }.@"[method]tensor.masked-fill-in-place";
    const tensor_tensor_group_names = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor-group.names"(i32, usize) void; }.@"[method]tensor-group.names";
    const tensor_tensor_group_len = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor-group.len"(i32, usize) void; }.@"[method]tensor-group.len";
    const tensor_tensor_group_get = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor-group.get"(i32, usize, i32, usize) void; }.@"[method]tensor-group.get";
    const tensor_tensor_group_matching = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor-group.matching"(i32, usize, i32, usize) void; }.@"[method]tensor-group.matching";
    const tensor_tensor_group_duplicate = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor-group.duplicate"(i32, usize) void; }.@"[method]tensor-group.duplicate";
    const tensor_tensor_group_numel = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor-group.numel"(i32, usize) void; }.@"[method]tensor-group.numel";
    const tensor_tensor_group_norm = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor-group.norm"(i32, f64, usize) void; }.@"[method]tensor-group.norm";
    const tensor_tensor_group_norms = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor-group.norms"(i32, f64, usize) void; }.@"[method]tensor-group.norms";
    const tensor_tensor_group_relative_change = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor-group.relative-change"(i32, i32, f64, usize) void; }.@"[method]tensor-group.relative-change";
    const tensor_tensor_group_count_nonfinite = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor-group.count-nonfinite"(i32, usize) void; }.@"[method]tensor-group.count-nonfinite";
    const tensor_tensor_group_clip_norm_in_place = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor-group.clip-norm-in-place"(i32, f64, f64, usize) void; }.@"[method]tensor-group.clip-norm-in-place";
    const tensor_tensor_group_clip_value_in_place = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor-group.clip-value-in-place"(i32, f64, usize) void; }.@"[method]tensor-group.clip-value-in-place";
    const tensor_tensor_group_affine_in_place = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor-group.affine-in-place"(i32, f64, f64, usize) void; }.@"[method]tensor-group.affine-in-place";
    const tensor_tensor_group_mul_in_place = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor-group.mul-in-place"(i32, i32, usize) void; }.@"[method]tensor-group.mul-in-place";
    const tensor_tensor_group_add_in_place = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor-group.add-in-place"(i32, i32, f64, usize) void; }.@"[method]tensor-group.add-in-place";
    const tensor_tensor_group_lerp_in_place = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor-group.lerp-in-place"(i32, i32, f64, usize) void; }.@"[method]tensor-group.lerp-in-place";
    const tensor_tensor_group_copy_in_place = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor-group.copy-in-place"(i32, i32, usize) void; }.@"[method]tensor-group.copy-in-place";
    const tensor_tensor_group_swap_in_place = struct { extern "phasebox:train/tensor@0.1.0" fn @"[method]tensor-group.swap-in-place"(i32, i32, usize) void; }.@"[method]tensor-group.swap-in-place";
    const tensor_zeros = struct { extern "phasebox:train/tensor@0.1.0" fn @"zeros"(usize, i32, i32, usize, i32, usize) void; }.@"zeros";
    const tensor_full = struct { extern "phasebox:train/tensor@0.1.0" fn @"full"(usize, i32, f64, i32, usize, i32, usize) void; }.@"full";
    const tensor_arange = struct { extern "phasebox:train/tensor@0.1.0" fn @"arange"(f64, f64, f64, i32, usize, i32, usize) void; }.@"arange";
    const tensor_rand = struct { extern "phasebox:train/tensor@0.1.0" fn @"rand"(usize, i32, usize, i32, usize) void; }.@"rand";
    const tensor_randn = struct { extern "phasebox:train/tensor@0.1.0" fn @"randn"(usize, i32, usize, i32, usize) void; }.@"randn";
    const tensor_randperm = struct { extern "phasebox:train/tensor@0.1.0" fn @"randperm"(i32, usize, i32, usize) void; }.@"randperm";
    const tensor_from_f32 = struct { extern "phasebox:train/tensor@0.1.0" fn @"from-f32"(usize, i32, usize, i32, usize, i32, usize) void; }.@"from-f32";
    const tensor_from_s64 = struct { extern "phasebox:train/tensor@0.1.0" fn @"from-s64"(usize, i32, usize, i32, usize, i32, usize) void; }.@"from-s64";
    const tensor_cat = struct { extern "phasebox:train/tensor@0.1.0" fn @"cat"(usize, i32, i64, usize) void; }.@"cat";
    const tensor_stack = struct { extern "phasebox:train/tensor@0.1.0" fn @"stack"(usize, i32, i64, usize) void; }.@"stack";
    const vision_box_convert = struct { extern "phasebox:train/vision@0.1.0" fn @"box-convert"(i32, usize, i32, usize, i32, usize) void; }.@"box-convert";
    const vision_box_iou = struct { extern "phasebox:train/vision@0.1.0" fn @"box-iou"(i32, i32, usize) void; }.@"box-iou";
    const vision_nms = struct { extern "phasebox:train/vision@0.1.0" fn @"nms"(i32, i32, i32, i32, f64, usize) void; }.@"nms";
    const vision_draw_boxes = struct { extern "phasebox:train/vision@0.1.0" fn @"draw-boxes"(i32, i32, usize, i32, i32, usize, i32, i32, usize) void; }.@"draw-boxes";
    const vision_draw_masks = struct { extern "phasebox:train/vision@0.1.0" fn @"draw-masks"(i32, i32, usize, i32, f64, usize) void; }.@"draw-masks";
    const vision_draw_text = struct { extern "phasebox:train/vision@0.1.0" fn @"draw-text"(i32, usize, i32, i32, i32, i32, i32, usize) void; }.@"draw-text";
    const context_model_architecture = struct { extern "phasebox:train/context@0.1.0" fn @"[method]model.architecture"(i32, usize) void; }.@"[method]model.architecture";
    const context_model_parameters = struct { extern "phasebox:train/context@0.1.0" fn @"[method]model.parameters"(i32, usize) void; }.@"[method]model.parameters";
    const context_model_gradients = struct { extern "phasebox:train/context@0.1.0" fn @"[method]model.gradients"(i32, usize) void; }.@"[method]model.gradients";
    const context_model_buffers = struct { extern "phasebox:train/context@0.1.0" fn @"[method]model.buffers"(i32, usize) void; }.@"[method]model.buffers";
    const context_model_freeze = struct { extern "phasebox:train/context@0.1.0" fn @"[method]model.freeze"(i32, usize, i32, usize) void; }.@"[method]model.freeze";
    const context_model_unfreeze = struct { extern "phasebox:train/context@0.1.0" fn @"[method]model.unfreeze"(i32, usize, i32, usize) void; }.@"[method]model.unfreeze";
    const context_model_requires_grad = struct { extern "phasebox:train/context@0.1.0" fn @"[method]model.requires-grad"(i32, usize, i32, usize) void; }.@"[method]model.requires-grad";
    const context_model_forward = struct { extern "phasebox:train/context@0.1.0" fn @"[method]model.forward"(i32, usize, i32, usize, i32, usize) void; }.@"[method]model.forward";
    const context_optimizer_name = struct { extern "phasebox:train/context@0.1.0" fn @"[method]optimizer.name"(i32, usize) void; }.@"[method]optimizer.name";
    const context_optimizer_group_names = struct { extern "phasebox:train/context@0.1.0" fn @"[method]optimizer.group-names"(i32, usize) void; }.@"[method]optimizer.group-names";
    const context_optimizer_learning_rate = struct { extern "phasebox:train/context@0.1.0" fn @"[method]optimizer.learning-rate"(i32, usize, i32, usize) void; }.@"[method]optimizer.learning-rate";
    const context_optimizer_set_learning_rate = struct { extern "phasebox:train/context@0.1.0" fn @"[method]optimizer.set-learning-rate"(i32, usize, i32, f64, usize) void; }.@"[method]optimizer.set-learning-rate";
    const context_optimizer_hyperparameter = struct { extern "phasebox:train/context@0.1.0" fn @"[method]optimizer.hyperparameter"(i32, usize, i32, usize, i32, usize) void; }.@"[method]optimizer.hyperparameter";
    const context_optimizer_set_hyperparameter = struct { extern "phasebox:train/context@0.1.0" fn @"[method]optimizer.set-hyperparameter"(i32, usize, i32, usize, i32, f64, usize) void; }.@"[method]optimizer.set-hyperparameter";
    const context_optimizer_state = struct { extern "phasebox:train/context@0.1.0" fn @"[method]optimizer.state"(i32, usize, i32, usize) void; }.@"[method]optimizer.state";
    const context_optimizer_group_state = struct { extern "phasebox:train/context@0.1.0" fn @"[method]optimizer.group-state"(i32, usize, i32, usize, i32, usize) void; }.@"[method]optimizer.group-state";
    const context_optimizer_state_names = struct { extern "phasebox:train/context@0.1.0" fn @"[method]optimizer.state-names"(i32, usize) void; }.@"[method]optimizer.state-names";
    const context_optimizer_parameter_names = struct { extern "phasebox:train/context@0.1.0" fn @"[method]optimizer.parameter-names"(i32, usize, i32, usize) void; }.@"[method]optimizer.parameter-names";
    const context_criterion_name = struct { extern "phasebox:train/context@0.1.0" fn @"[method]criterion.name"(i32, usize) void; }.@"[method]criterion.name";
    const context_criterion_parameters = struct { extern "phasebox:train/context@0.1.0" fn @"[method]criterion.parameters"(i32, usize) void; }.@"[method]criterion.parameters";
    const context_criterion_get = struct { extern "phasebox:train/context@0.1.0" fn @"[method]criterion.get"(i32, usize, i32, usize) void; }.@"[method]criterion.get";
    const context_criterion_set = struct { extern "phasebox:train/context@0.1.0" fn @"[method]criterion.set"(i32, usize, i32, usize, i32, usize) void; }.@"[method]criterion.set";
    const context_data_loader_name = struct { extern "phasebox:train/context@0.1.0" fn @"[method]data-loader.name"(i32, usize) void; }.@"[method]data-loader.name";
    const context_data_loader_batches = struct { extern "phasebox:train/context@0.1.0" fn @"[method]data-loader.batches"(i32) i64; }.@"[method]data-loader.batches";
    const context_data_loader_samples = struct { extern "phasebox:train/context@0.1.0" fn @"[method]data-loader.samples"(i32) i64; }.@"[method]data-loader.samples";
    const context_data_loader_batch_size = struct { extern "phasebox:train/context@0.1.0" fn @"[method]data-loader.batch-size"(i32) i32; }.@"[method]data-loader.batch-size";
    const context_data_loader_parameters = struct { extern "phasebox:train/context@0.1.0" fn @"[method]data-loader.parameters"(i32, usize) void; }.@"[method]data-loader.parameters";
    const context_data_loader_get = struct { extern "phasebox:train/context@0.1.0" fn @"[method]data-loader.get"(i32, usize, i32, usize) void; }.@"[method]data-loader.get";
    const context_data_loader_set = struct { extern "phasebox:train/context@0.1.0" fn @"[method]data-loader.set"(i32, usize, i32, usize, i32, usize) void; }.@"[method]data-loader.set";
    const context_metrics_names = struct { extern "phasebox:train/context@0.1.0" fn @"[method]metrics.names"(i32, usize) void; }.@"[method]metrics.names";
    const context_metrics_compute = struct { extern "phasebox:train/context@0.1.0" fn @"[method]metrics.compute"(i32, usize) void; }.@"[method]metrics.compute";
    const context_logger_scalar = struct { extern "phasebox:train/context@0.1.0" fn @"[method]logger.scalar"(i32, usize, i32, f64, usize) void; }.@"[method]logger.scalar";
    const context_logger_scalar_tensor = struct { extern "phasebox:train/context@0.1.0" fn @"[method]logger.scalar-tensor"(i32, usize, i32, i32, usize) void; }.@"[method]logger.scalar-tensor";
    const context_logger_histogram = struct { extern "phasebox:train/context@0.1.0" fn @"[method]logger.histogram"(i32, usize, i32, i32, i32, usize) void; }.@"[method]logger.histogram";
    const context_logger_image = struct { extern "phasebox:train/context@0.1.0" fn @"[method]logger.image"(i32, usize, i32, i32, usize) void; }.@"[method]logger.image";
    const context_logger_text = struct { extern "phasebox:train/context@0.1.0" fn @"[method]logger.text"(i32, usize, i32, usize, i32, usize) void; }.@"[method]logger.text";
    const context_logger_artifact = struct { extern "phasebox:train/context@0.1.0" fn @"[method]logger.artifact"(i32, usize, i32, usize, i32, usize) void; }.@"[method]logger.artifact";
    const context_logger_image_file = struct { extern "phasebox:train/context@0.1.0" fn @"[method]logger.image-file"(i32, usize, i32, i32, usize) void; }.@"[method]logger.image-file";
    const context_release = struct { extern "phasebox:train/context@0.1.0" fn @"release"(usize, i32, usize, i32) void; }.@"release";
    const context_phase_context_phase = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.phase"(i32, usize) void; }.@"[method]phase-context.phase";
    const context_phase_context_epoch = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.epoch"(i32, usize) void; }.@"[method]phase-context.epoch";
    const context_phase_context_batch_idx = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.batch-idx"(i32, usize) void; }.@"[method]phase-context.batch-idx";
    const context_phase_context_global_step = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.global-step"(i32) i64; }.@"[method]phase-context.global-step";
    const context_phase_context_samples_seen = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.samples-seen"(i32) i64; }.@"[method]phase-context.samples-seen";
    const context_phase_context_max_epochs = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.max-epochs"(i32) i32; }.@"[method]phase-context.max-epochs";
    const context_phase_context_steps_per_epoch = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.steps-per-epoch"(i32) i64; }.@"[method]phase-context.steps-per-epoch";
    const context_phase_context_max_steps = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.max-steps"(i32) i64; }.@"[method]phase-context.max-steps";
    const context_phase_context_position = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.position"(i32, usize) void; }.@"[method]phase-context.position";
    const context_phase_context_progress = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.progress"(i32, usize) void; }.@"[method]phase-context.progress";
    const context_phase_context_is_last_batch = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.is-last-batch"(i32) i32; }.@"[method]phase-context.is-last-batch";
    const context_phase_context_is_accumulation_boundary = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.is-accumulation-boundary"(i32) i32; }.@"[method]phase-context.is-accumulation-boundary";
    const context_phase_context_elapsed_seconds = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.elapsed-seconds"(i32) f64; }.@"[method]phase-context.elapsed-seconds";
    const context_phase_context_rank = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.rank"(i32) i32; }.@"[method]phase-context.rank";
    const context_phase_context_local_rank = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.local-rank"(i32) i32; }.@"[method]phase-context.local-rank";
    const context_phase_context_world_size = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.world-size"(i32) i32; }.@"[method]phase-context.world-size";
    const context_phase_context_seed = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.seed"(i32) i64; }.@"[method]phase-context.seed";
    const context_phase_context_batch_size = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.batch-size"(i32) i64; }.@"[method]phase-context.batch-size";
    const context_phase_context_inputs = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.inputs"(i32, usize) void; }.@"[method]phase-context.inputs";
    const context_phase_context_inputs_group = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.inputs-group"(i32, usize) void; }.@"[method]phase-context.inputs-group";
    const context_phase_context_target = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.target"(i32, usize) void; }.@"[method]phase-context.target";
    const context_phase_context_target_group = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.target-group"(i32, usize) void; }.@"[method]phase-context.target-group";
    const context_phase_context_preds = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.preds"(i32, usize) void; }.@"[method]phase-context.preds";
    const context_phase_context_preds_group = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.preds-group"(i32, usize) void; }.@"[method]phase-context.preds-group";
    const context_phase_context_loss = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.loss"(i32, usize) void; }.@"[method]phase-context.loss";
    const context_phase_context_loss_log_items = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.loss-log-items"(i32, usize) void; }.@"[method]phase-context.loss-log-items";
    const context_phase_context_loss_logging_items_names = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.loss-logging-items-names"(i32, usize) void; }.@"[method]phase-context.loss-logging-items-names";
    const context_phase_context_additional_batch_items = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.additional-batch-items"(i32, usize) void; }.@"[method]phase-context.additional-batch-items";
    const context_phase_context_additional_batch_item = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.additional-batch-item"(i32, usize, i32, usize) void; }.@"[method]phase-context.additional-batch-item";
    const context_phase_context_net = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.net"(i32, usize) void; }.@"[method]phase-context.net";
    const context_phase_context_ema_model = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.ema-model"(i32, usize) void; }.@"[method]phase-context.ema-model";
    const context_phase_context_optimizer = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.optimizer"(i32, usize) void; }.@"[method]phase-context.optimizer";
    const context_phase_context_criterion = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.criterion"(i32, usize) void; }.@"[method]phase-context.criterion";
    const context_phase_context_train_loader = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.train-loader"(i32, usize) void; }.@"[method]phase-context.train-loader";
    const context_phase_context_valid_loader = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.valid-loader"(i32, usize) void; }.@"[method]phase-context.valid-loader";
    const context_phase_context_test_loader = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.test-loader"(i32, usize) void; }.@"[method]phase-context.test-loader";
    const context_phase_context_sg_logger = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.sg-logger"(i32, usize) void; }.@"[method]phase-context.sg-logger";
    const context_phase_context_parameters = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.parameters"(i32, usize) void; }.@"[method]phase-context.parameters";
    const context_phase_context_gradients = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.gradients"(i32, usize) void; }.@"[method]phase-context.gradients";
    const context_phase_context_buffers = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.buffers"(i32, usize) void; }.@"[method]phase-context.buffers";
    const context_phase_context_clip_gradients = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.clip-gradients"(i32, f64, f64, usize) void; }.@"[method]phase-context.clip-gradients";
    const context_phase_context_clip_and_log_gradients = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.clip-and-log-gradients"(i32, f64, f64, usize, i32, usize) void; }.@"[method]phase-context.clip-and-log-gradients";
    const context_phase_context_learning_rate = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.learning-rate"(i32, usize, i32, usize) void; }.@"[method]phase-context.learning-rate";
    const context_phase_context_set_learning_rate = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.set-learning-rate"(i32, usize, i32, f64, usize) void; }.@"[method]phase-context.set-learning-rate";
    const context_phase_context_log_scalar = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.log-scalar"(i32, usize, i32, f64, usize) void; }.@"[method]phase-context.log-scalar";
    const context_phase_context_log_scalars = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.log-scalars"(i32, usize, i32, usize) void; }.@"[method]phase-context.log-scalars";
    const context_phase_context_log_scalar_tensor = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.log-scalar-tensor"(i32, usize, i32, i32, usize) void; }.@"[method]phase-context.log-scalar-tensor";
    const context_phase_context_metrics_dict = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.metrics-dict"(i32, usize) void; }.@"[method]phase-context.metrics-dict";
    const context_phase_context_metric = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.metric"(i32, usize, i32, usize) void; }.@"[method]phase-context.metric";
    const context_phase_context_publish_metric = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.publish-metric"(i32, usize, i32, f64, usize) void; }.@"[method]phase-context.publish-metric";
    const context_phase_context_publish_metric_tensor = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.publish-metric-tensor"(i32, usize, i32, i32, usize) void; }.@"[method]phase-context.publish-metric-tensor";
    const context_phase_context_metrics_compute_fn = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.metrics-compute-fn"(i32, usize) void; }.@"[method]phase-context.metrics-compute-fn";
    const context_phase_context_valid_metrics = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.valid-metrics"(i32, usize) void; }.@"[method]phase-context.valid-metrics";
    const context_phase_context_batch_metric = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.batch-metric"(i32, usize, i32, usize) void; }.@"[method]phase-context.batch-metric";
    const context_phase_context_loss_avg_meter = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.loss-avg-meter"(i32, usize) void; }.@"[method]phase-context.loss-avg-meter";
    const context_phase_context_metric_to_watch = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.metric-to-watch"(i32, usize) void; }.@"[method]phase-context.metric-to-watch";
    const context_phase_context_greater_metric_to_watch_is_better = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.greater-metric-to-watch-is-better"(i32) i32; }.@"[method]phase-context.greater-metric-to-watch-is-better";
    const context_phase_context_best_metric = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.best-metric"(i32, usize) void; }.@"[method]phase-context.best-metric";
    const context_phase_context_best_epoch = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.best-epoch"(i32, usize) void; }.@"[method]phase-context.best-epoch";
    const context_phase_context_lr_warmup_epochs = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.lr-warmup-epochs"(i32) i32; }.@"[method]phase-context.lr-warmup-epochs";
    const context_phase_context_device = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.device"(i32, usize) void; }.@"[method]phase-context.device";
    const context_phase_context_experiment_name = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.experiment-name"(i32, usize) void; }.@"[method]phase-context.experiment-name";
    const context_phase_context_ckpt_dir = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.ckpt-dir"(i32, usize) void; }.@"[method]phase-context.ckpt-dir";
    const context_phase_context_training_params = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.training-params"(i32, usize) void; }.@"[method]phase-context.training-params";
    const context_phase_context_checkpoint_params = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.checkpoint-params"(i32, usize) void; }.@"[method]phase-context.checkpoint-params";
    const context_phase_context_arch_params = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.arch-params"(i32, usize) void; }.@"[method]phase-context.arch-params";
    const context_phase_context_architecture = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.architecture"(i32, usize) void; }.@"[method]phase-context.architecture";
    const context_phase_context_ddp_silent_mode = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.ddp-silent-mode"(i32) i32; }.@"[method]phase-context.ddp-silent-mode";
    const context_phase_context_stop_training = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.stop-training"(i32) i32; }.@"[method]phase-context.stop-training";
    const context_phase_context_outcome = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.outcome"(i32, usize) void; }.@"[method]phase-context.outcome";
    const context_phase_context_set_inputs = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.set-inputs"(i32, i32, usize) void; }.@"[method]phase-context.set-inputs";
    const context_phase_context_set_inputs_item = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.set-inputs-item"(i32, usize, i32, i32, usize) void; }.@"[method]phase-context.set-inputs-item";
    const context_phase_context_set_target = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.set-target"(i32, i32, usize) void; }.@"[method]phase-context.set-target";
    const context_phase_context_set_target_item = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.set-target-item"(i32, usize, i32, i32, usize) void; }.@"[method]phase-context.set-target-item";
    const context_phase_context_set_loss = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.set-loss"(i32, i32, usize) void; }.@"[method]phase-context.set-loss";
    const context_phase_context_repeat_backward = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.repeat-backward"(i32, usize) void; }.@"[method]phase-context.repeat-backward";
    const context_phase_context_gradient_penalty = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.gradient-penalty"(i32, usize, i32, f64, usize) void; }.@"[method]phase-context.gradient-penalty";
    const context_phase_context_request_stop = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.request-stop"(i32, usize, i32, usize, i32, usize) void; }.@"[method]phase-context.request-stop";
    const context_phase_context_stop_if_above = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.stop-if-above"(i32, i32, f64, usize, i32, usize) void; }.@"[method]phase-context.stop-if-above";
    const context_phase_context_stop_if_nonfinite = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.stop-if-nonfinite"(i32, i32, usize, i32, usize) void; }.@"[method]phase-context.stop-if-nonfinite";
    const context_phase_context_stop_epoch = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.stop-epoch"(i32, usize, i32, usize) void; }.@"[method]phase-context.stop-epoch";
    const context_phase_context_skip_batch = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.skip-batch"(i32, usize, i32, usize) void; }.@"[method]phase-context.skip-batch";
    const context_phase_context_skip_backward = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.skip-backward"(i32, usize, i32, usize) void; }.@"[method]phase-context.skip-backward";
    const context_phase_context_skip_step = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.skip-step"(i32, usize, i32, usize) void; }.@"[method]phase-context.skip-step";
    const context_phase_context_request_validation = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.request-validation"(i32, usize) void; }.@"[method]phase-context.request-validation";
    const context_phase_context_request_checkpoint = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.request-checkpoint"(i32, usize, i32, usize) void; }.@"[method]phase-context.request-checkpoint";
    const context_phase_context_set_accumulation = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.set-accumulation"(i32, i32, usize) void; }.@"[method]phase-context.set-accumulation";
    const context_phase_context_disable_self = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.disable-self"(i32, usize, i32, usize) void; }.@"[method]phase-context.disable-self";
    const context_phase_context_abort = struct { extern "phasebox:train/context@0.1.0" fn @"[method]phase-context.abort"(i32, usize, i32, usize) void; }.@"[method]phase-context.abort";
    const storage_store_tensor = struct { extern "phasebox:train/storage@0.1.0" fn @"store-tensor"(usize, i32, i32, usize) void; }.@"store-tensor";
    const storage_load_tensor = struct { extern "phasebox:train/storage@0.1.0" fn @"load-tensor"(usize, i32, usize) void; }.@"load-tensor";
    const storage_store_group = struct { extern "phasebox:train/storage@0.1.0" fn @"store-group"(usize, i32, i32, usize) void; }.@"store-group";
    const storage_load_group = struct { extern "phasebox:train/storage@0.1.0" fn @"load-group"(usize, i32, usize) void; }.@"load-group";
    const storage_forget = struct { extern "phasebox:train/storage@0.1.0" fn @"forget"(usize, i32, usize) void; }.@"forget";
    const diagnostics_log = struct { extern "phasebox:train/diagnostics@0.1.0" fn @"log"(i32, usize, i32) void; }.@"log";
    const diagnostics_report_failure = struct { extern "phasebox:train/diagnostics@0.1.0" fn @"report-failure"(usize, i32, usize, i32, usize, i32) void; }.@"report-failure";
};
