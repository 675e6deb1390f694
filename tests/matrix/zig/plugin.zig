//! One guest of the matrix: does what its parameter `task` names and says the outcome in lines of the log. All languages do
//! the same; `tests/it/matrix.rs` has the lines that are due.
const std = @import("std");
const phasebox = @import("sdk/phasebox.zig");
const contract = phasebox.contract;
const PhaseContext = phasebox.PhaseContext;
const Tensor = phasebox.Tensor;

pub const panic = phasebox.panic;
comptime {
    phasebox.exportCallback(Matrix);
}

const large: u32 = 4 << 20;

/// The contract's name of the error's code.
fn code(result: anytype) void {
    _ = result catch |failure| {
        var kebab: [64]u8 = undefined;
        var length: usize = 0;
        for (@errorName(failure)) |letter| {
            if (std.ascii.isUpper(letter) and length > 0) {
                kebab[length] = '-';
                length += 1;
            }
            kebab[length] = std.ascii.toLower(letter);
            length += 1;
        }
        return phasebox.log(.info, "{s}", .{kebab[0..length]});
    };
    phasebox.log(.info, "no error", .{});
}

fn number(value: f64) !Tensor {
    return contract.full(&.{}, value, .float32, "");
}

fn sum(tensor: Tensor) !f64 {
    const total = try tensor.sum(&.{}, false);
    return total.item();
}

/// A float as all languages write it.
fn shown(value: f64) []const u8 {
    if (std.math.isNan(value)) return "nan";
    if (value == 0 and std.math.signbit(value)) return "-0";
    return std.fmt.allocPrint(phasebox.allocator(), "{d}", .{value}) catch "";
}

const Matrix = struct {
    pub const description = .{ .name = "matrix", .version = "0.1.0", .summary = "Behaves as it is told" };
    pub const Parameters = struct { task: []const u8 = "", say: []const u8 = "", turns: u32 = 0 };
    pub const State = struct { bytes: [256]u8 = @splat(0) };

    parameters: Parameters,
    state: State,
    calls: u32 = 0,
    kept: ?Tensor = null,

    fn is(self: *Matrix, name: []const u8) bool {
        return std.mem.eql(u8, self.parameters.task, name);
    }

    fn failAt(self: *Matrix, place: []const u8) void {
        const task = self.parameters.task;
        if (!std.mem.startsWith(u8, task, "panic-") or !std.mem.eql(u8, task[6..], place)) return;
        @panic("it broke on purpose, ⅓ 💡"); // the panic
    }

    pub fn configure(self: *Matrix) !void {
        self.failAt("configure");
    }

    pub fn onTrainingStart(self: *Matrix, ctx: PhaseContext) !void {
        self.failAt("start");
        if (self.is("errors")) try errors(ctx);
        if (self.is("options")) epoch(ctx);
    }

    pub fn onTrainBatchStart(self: *Matrix, ctx: PhaseContext) !void {
        try self.turn(ctx);
    }
    pub fn onTrainBatchForwardEnd(self: *Matrix, ctx: PhaseContext) !void {
        try self.turn(ctx);
    }
    pub fn onTrainBatchLossEnd(self: *Matrix, ctx: PhaseContext) !void {
        self.failAt("loss");
        try self.turn(ctx);
    }
    pub fn onTrainBatchBackwardEnd(self: *Matrix, ctx: PhaseContext) !void {
        try self.turn(ctx);
    }
    pub fn onTrainBatchGradientStepStart(self: *Matrix, ctx: PhaseContext) !void {
        try self.turn(ctx);
    }
    pub fn onTrainBatchGradientReady(self: *Matrix, ctx: PhaseContext) !void {
        try self.turn(ctx);
    }
    pub fn onTrainBatchOptimizerStepped(self: *Matrix, ctx: PhaseContext) !void {
        try self.turn(ctx);
    }
    pub fn onTrainBatchGradientStepEnd(self: *Matrix, ctx: PhaseContext) !void {
        try self.turn(ctx);
    }

    pub fn onTrainBatchEnd(self: *Matrix, ctx: PhaseContext) !void {
        try self.turn(ctx);
        const step = ctx.globalStep();
        if (step == 1) try self.firstStep(ctx);
        if (self.is("handles")) try self.handles(step);
        if (self.is("stale")) try self.stale(step);
        if (self.is("own-error")) return phasebox.fail(error.Conflict, "it may not, ⅓ 💡", .{});
        if (self.is("state") and step > 1) self.showState();
        if (self.is("recover")) {
            if (step <= 1) @panic("the first strike");
            phasebox.log(.info, "alive again", .{});
        }
    }

    pub fn onTrainLoaderEnd(self: *Matrix, ctx: PhaseContext) !void {
        if (!self.is("texts")) return;
        try ctx.publishMetric("é ⅓ 💡", 1);
        for (ctx.metricsDict()) |entry| {
            if (std.mem.endsWith(u8, entry.name, "💡")) phasebox.log(.info, "{s}", .{entry.name});
        }
    }

    pub fn onValidationBatchEnd(self: *Matrix, _: PhaseContext) !void {
        self.failAt("validation");
    }

    pub fn onTrainingEnd(self: *Matrix, _: PhaseContext) !void {
        self.failAt("end");
    }

    /// Takes a handle and gives it back to nobody; or asks the host so many times.
    fn turn(self: *Matrix, ctx: PhaseContext) !void {
        if (self.is("costs")) {
            for (0..self.parameters.turns) |_| _ = ctx.globalStep();
        }
        if (!self.is("turns")) return;
        self.calls += 1;
        _ = try ctx.parameters();
        if (self.calls == self.parameters.turns) try ctx.disableSelf("that is enough");
    }

    fn firstStep(self: *Matrix, ctx: PhaseContext) !void {
        if (self.is("twice")) try twice();
        if (self.is("texts")) {
            phasebox.log(.info, "{s}", .{self.parameters.say});
            phasebox.log(.info, "a\x00b é ⅓ 💡 \u{10ffff}", .{});
        }
        if (self.is("options")) try options(ctx);
        if (self.is("lists")) try lists();
        if (self.is("integers")) try integers(ctx);
        if (self.is("numbers")) try numbers(ctx);
        if (self.is("state")) {
            for (&self.state.bytes, 0..) |*byte, value| byte.* = @intCast(value);
        }
    }

    fn handles(self: *Matrix, step: u64) !void {
        if (step == 1) {
            const one = try contract.full(&.{ 2, 3 }, 1.5, .float32, "");
            const two = try one.add(one, 1);
            phasebox.log(.info, "{d} {d}", .{ try sum(two), try sum(one) });
            const seven = try number(7);
            self.kept = try seven.keep();
        }
        if (step == 2) {
            phasebox.log(.info, "kept {d}", .{try self.kept.?.item()});
            self.kept.?.drop();
            phasebox.log(.info, "released later", .{});
        }
    }

    fn stale(self: *Matrix, step: u64) !void {
        if (step == 1) self.kept = try number(7);
        if (step == 2) code(self.kept.?.item());
    }

    fn showState(self: *Matrix) void {
        var whole = true;
        for (self.state.bytes, 0..) |byte, value| whole = whole and byte == value;
        phasebox.log(.info, "state {s}", .{if (whole) "whole" else "damaged"});
    }
};

fn twice() !void {
    const made = try number(7);
    made.drop();
    made.drop();
    phasebox.log(.info, "alive", .{});
}

fn errors(ctx: PhaseContext) !void {
    const two = try contract.full(&.{2}, 1, .float32, "");
    const three = try contract.full(&.{3}, 1, .float32, "");
    code(two.add(three, 1));
    code(ctx.preds());
    code(ctx.requestStop("batch", ""));
    code(contract.zeros(&.{2}, .other, ""));
    code(contract.zeros(&.{1 << 40}, .float32, ""));
    code(ctx.learningRate("nobody"));
}

fn epoch(ctx: PhaseContext) void {
    if (ctx.epoch()) |value| phasebox.log(.info, "epoch some {d}", .{value}) else phasebox.log(.info, "epoch none", .{});
}

fn options(ctx: PhaseContext) !void {
    epoch(ctx);
    phasebox.log(.info, "metric {s}", .{if (ctx.metric("nobody") == null) "none" else "some"});
    const three = try number(3);
    const low = try three.clamp(null, 2);
    const high = try three.clamp(5, null);
    phasebox.log(.info, "{d}", .{try low.item()});
    phasebox.log(.info, "{d}", .{try high.item()});
}

fn lists() !void {
    const values = try phasebox.allocator().alloc(f32, large);
    for (values, 0..) |*value, index| value.* = @floatFromInt(index % 7);
    const given = try contract.fromF32(&.{large}, values, "");
    const wide = try given.toDtype(.float64);
    const total = try sum(wide);
    const back = try given.readF32(0, large);
    var read: f64 = 0;
    for (back) |value| read += value;
    phasebox.log(.info, "{d} {d} {d}", .{ back.len, total, read });
}

fn integers(ctx: PhaseContext) !void {
    const given = try contract.fromS64(&.{3}, &.{ std.math.minInt(i64), std.math.maxInt(i64), -1 }, "");
    const back = try given.readS64(0, 3);
    phasebox.log(.info, "{d} {d} {d}", .{ back[0], back[1], back[2] });
    phasebox.log(.info, "{d}", .{ctx.seed()});
    code(given.readS64(std.math.maxInt(u64), 1));
}

fn numbers(ctx: PhaseContext) !void {
    const inf = std.math.inf(f32);
    const given = try contract.fromF32(&.{5}, &.{ std.math.nan(f32), inf, -inf, -0.0, 3 }, "");
    const back = try given.readF32(0, 5);
    phasebox.log(.info, "{s} {s} {s} {s} {s}", .{ shown(back[0]), shown(back[1]), shown(back[2]), shown(back[3]), shown(back[4]) });
    for ([_]f64{ std.math.floatMax(f64), 5e-324, -std.math.inf(f64) }) |value| {
        const one = try contract.full(&.{}, value, .float64, "");
        phasebox.log(.info, "{s}", .{if (try one.item() == value) "exact" else "changed"});
    }
    try ctx.logScalar("nan", std.math.nan(f64));
    try ctx.logScalar("é ⅓ 💡", std.math.floatMax(f64));
}
