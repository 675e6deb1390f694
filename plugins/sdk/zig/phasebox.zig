//! Callbacks in Zig: a struct whose public functions are named like phases.
//!
//! Owns the exports of a callback: its description with the schema of its parameters, the reading of them, its state, and
//! the words of errors and panics. The contract's functions are in `contract.zig`.
const std = @import("std");
const called = @import("called.zig");
pub const contract = @import("contract.zig");

pub const Deferred = contract.Deferred;
pub const Error = contract.Error;
pub const Level = contract.Level;
pub const PhaseContext = contract.PhaseContext;
pub const Tensor = contract.Tensor;
pub const TensorGroup = contract.TensorGroup;
/// Words that go with an error which the callback returns: `phasebox.say("…"); return error.InvalidArgument;`.
pub const say = contract.say;
/// Memory that is freed when the call ends.
pub const allocator = contract.allocator;
/// Memory that stays.
pub const lasting = std.heap.wasm_allocator;

/// The words of an error, made as `std.fmt` does: `return phasebox.fail(error.Other, "only {d} classes", .{n});`.
pub fn fail(failure: anyerror, comptime format: []const u8, given: anytype) anyerror {
    say(printed(format, given));
    return failure;
}

/// Writes one line to the run's log.
pub fn log(level: Level, comptime format: []const u8, given: anytype) void {
    contract.log(level, printed(format, given));
}

fn printed(comptime format: []const u8, given: anytype) []const u8 {
    return std.fmt.allocPrint(allocator(), format, given) catch "(no memory is left for this text)";
}

/// A number on its way from the device, asked for in one call and taken in a later one: without a wait.
///
/// As a field of `State` it is saved with what has arrived, so that a resumed run has the same bits.
pub const Later = struct {
    pending: ?Deferred = null,
    arrived: ?f64 = null,

    /// Asks for the element of a tensor, unless a number is on its way: `try loss.ask(ctx.loss())`. A value that this
    /// phase does not have, such as the loss of a skipped batch, is no failure.
    pub fn ask(self: *Later, value: Error!Tensor) Error!void {
        if (self.pending != null or self.arrived != null) return;
        const tensor = value catch |failure| return if (failure == error.NotAvailable) {} else failure;
        self.pending = try tensor.@"defer"();
    }

    /// The number that was asked for, once, if it is here.
    pub fn take(self: *Later) Error!?f64 {
        try self.poll();
        defer self.arrived = null;
        return self.arrived;
    }

    fn poll(self: *Later) Error!void {
        const pending = self.pending orelse return;
        const value = try pending.poll() orelse return;
        pending.drop();
        self.* = .{ .arrived = value };
    }
};

/// For the root file: `pub const panic = phasebox.panic;`. Reports the message of a panic before the trap.
pub const panic = std.debug.FullPanic(panicked);

fn panicked(message: []const u8, _: ?usize) noreturn {
    @branchHint(.cold);
    contract.reportFailure(message, "", "");
    @trap();
}

/// Exports a callback: `comptime { phasebox.exportCallback(Clip); }` in the root file. Its declarations:
///
/// * `description`: `.name`, `.version`, `.summary`, `.grants`, and for each parameter what its type does not say,
///   `.parameters = .{ .rate = .{ .description = "…", .minimum = 0 } }`;
/// * `Parameters`: a struct; a field without a default is required;
/// * `State`: a struct whose fields all have defaults, saved in checkpoints;
/// * fields `parameters: Parameters` and `state: State`;
/// * a public function for each phase: `fn onTrainBatchEnd(self: *Clip, ctx: PhaseContext) !void`;
/// * `configure`, if parameters need more than their schema: `fn configure(self: *Clip) !void`.
pub fn exportCallback(comptime Callback: type) void {
    const exports = Exports(Callback);
    exportAs(exports.describe, "describe");
    exportAs(exports.configure, "configure");
    exportAs(exports.saveState, "save-state");
    exportAs(exports.loadState, "load-state");
    for (std.meta.declarations(Callback)) |found| {
        if (found.len > 2 and std.mem.startsWith(u8, found, "on") and std.ascii.isUpper(found[2])) {
            exportAs(Phase(Callback, found).call, phaseOf(found));
        }
    }
}

fn exportAs(comptime function: anytype, comptime name: []const u8) void {
    @export(&function, .{ .name = "local:plugin/callback#" ++ name });
}

fn phaseOf(comptime name: []const u8) []const u8 {
    @setEvalBranchQuota(100_000);
    const wanted_phase = kebab(name);
    for (contract.phases) |phase| if (std.mem.eql(u8, phase, wanted_phase)) {
        if (!isCalled(phase)) @compileError("`" ++ name ++ "` would never be called: write it on a line of its own, as `pub fn " ++ name ++ "(`");
        return phase;
    };
    @compileError("no phase is called `" ++ name ++ "`");
}

/// True for a phase of the world, or if `phasebox build` did not say which those are.
fn isCalled(comptime phase: []const u8) bool {
    var names = std.mem.splitScalar(u8, called.phases, ',');
    while (names.next()) |name| if (std.mem.eql(u8, name, phase)) return true;
    return called.phases.len == 0;
}

/// `on-train-batch-end` of `onTrainBatchEnd`.
fn kebab(comptime name: []const u8) []const u8 {
    var made: []const u8 = "";
    for (name) |letter| {
        made = made ++ if (std.ascii.isUpper(letter)) &[_]u8{ '-', std.ascii.toLower(letter) } else &[_]u8{letter};
    }
    return made;
}

/// The answer of an export: nothing, a text or bytes, or an error.
var answer: extern struct { failed: u8, first: u32 = 0, second: u32 = 0, third: u32 = 0 } = .{ .failed = 0 };

fn finish(result: anyerror!void) usize {
    answer = .{ .failed = 0 };
    result catch |failure| {
        const said = contract.lastMessage();
        const message = if (said.len > 0) said else @errorName(failure);
        answer = .{ .failed = 1, .first = contract.codeOf(failure), .second = @intFromPtr(message.ptr), .third = message.len };
    };
    return @intFromPtr(&answer);
}

fn Phase(comptime Callback: type, comptime name: []const u8) type {
    return struct {
        fn call(handle: i32) callconv(.c) usize {
            contract.beginCall();
            contract.freeMemory();
            defer contract.endCall(handle);
            return finish(run(.{ .handle = handle }));
        }

        fn run(ctx: PhaseContext) anyerror!void {
            return @field(Callback, name)(&Exports(Callback).instance, ctx);
        }
    };
}

fn Exports(comptime Callback: type) type {
    return struct {
        var instance: Callback = undefined;

        fn describe() callconv(.c) usize {
            const text = comptime description(Callback);
            answer = .{ .failed = 0 };
            const shown: *[2]usize = @ptrCast(&answer);
            shown.* = .{ @intFromPtr(text.ptr), text.len };
            return @intFromPtr(&answer);
        }

        fn configure(at: [*]const u8, length: usize) callconv(.c) usize {
            contract.beginCall();
            defer contract.endCall(null);
            return finish(configured(at[0..length]));
        }

        fn configured(params: []const u8) anyerror!void {
            instance = .{ .parameters = try parsed(Callback.Parameters, params), .state = .{} };
            try inRange(Callback, instance.parameters);
            if (@hasDecl(Callback, "configure")) try instance.configure();
        }

        fn saveState() callconv(.c) usize {
            contract.beginCall();
            contract.freeMemory();
            defer contract.endCall(null);
            var bytes: std.ArrayList(u8) = .empty;
            const end = finish(save(Callback.State, &instance.state, &bytes));
            if (answer.failed == 0) answer = .{ .failed = 0, .first = @intFromPtr(bytes.items.ptr), .second = bytes.items.len };
            return end;
        }

        fn loadState(at: [*]const u8, length: usize) callconv(.c) usize {
            contract.beginCall();
            defer contract.endCall(null);
            return finish(load(Callback.State, &instance.state, at[0..length]));
        }
    };
}

const Field = struct { name: [:0]const u8, type: type, default: ?*const anyopaque };

/// The fields of a struct, with their types and defaults.
fn Fields(comptime T: type) type {
    return struct {
        const info = @typeInfo(T).@"struct";
        const all: [info.field_names.len]Field = made: {
            var made: [info.field_names.len]Field = undefined;
            for (&made, info.field_names, info.field_types, info.field_attrs) |*place, name, kind, attributes| {
                place.* = .{ .name = name, .type = kind, .default = attributes.default_value_ptr };
            }
            break :made made;
        };
    };
}

fn as(comptime T: type, comptime default: *const anyopaque) T {
    return @as(*const T, @ptrCast(@alignCast(default))).*;
}

// ---- parameters ----

fn parsed(comptime Parameters: type, text: []const u8) anyerror!Parameters {
    const fields = comptime Fields(Parameters).all;
    const given = std.json.parseFromSliceLeaky(std.json.Value, lasting, text, .{}) catch
        return fail(error.InvalidArgument, "params is not JSON", .{});
    if (given != .object) return fail(error.InvalidArgument, "params is not a JSON object", .{});
    try known(&fields, given.object);
    var made: Parameters = undefined;
    inline for (fields) |field| {
        if (given.object.get(field.name)) |value| {
            @field(made, field.name) = std.json.parseFromValueLeaky(field.type, lasting, value, .{}) catch
                return fail(error.InvalidArgument, "parameter \"{s}\" must be {s}", .{ field.name, wanted(field.type) });
        } else if (comptime field.default) |default| {
            @field(made, field.name) = as(field.type, default);
        } else return fail(error.InvalidArgument, "parameter \"{s}\" is missing: it has no default", .{field.name});
    }
    return made;
}

fn known(comptime fields: []const Field, given: std.json.ObjectMap) anyerror!void {
    const names = comptime blk: {
        var made: []const u8 = "";
        for (fields, 0..) |field, place| made = made ++ (if (place > 0) ", " else "") ++ field.name;
        break :blk made;
    };
    search: for (given.keys()) |key| {
        inline for (fields) |field| if (std.mem.eql(u8, field.name, key)) continue :search;
        return fail(error.InvalidArgument, "unknown parameter \"{s}\"; known are {s}", .{ key, names });
    }
}

fn wanted(comptime T: type) []const u8 {
    return switch (@typeInfo(T)) {
        .float => "a number",
        .int => |int| if (int.signedness == .unsigned) "a whole number from 0" else "a whole number",
        .bool => "true or false",
        .optional => |optional| wanted(optional.child),
        else => if (T == []const u8) "a text" else "of the type " ++ @typeName(T),
    };
}

fn inRange(comptime Callback: type, parameters: anytype) anyerror!void {
    if (!@hasField(@TypeOf(Callback.description), "parameters")) return;
    const rules = Callback.description.parameters;
    inline for (Fields(@TypeOf(rules)).all) |rule| {
        const value = @field(parameters, rule.name);
        switch (@typeInfo(@TypeOf(value))) {
            .float => try between(rule.name, @field(rules, rule.name), value),
            .int => try between(rule.name, @field(rules, rule.name), @as(f64, @floatFromInt(value))),
            else => {},
        }
    }
}

fn between(name: []const u8, comptime rule: anytype, value: f64) anyerror!void {
    const Rule = @TypeOf(rule);
    const allowed = (if (@hasField(Rule, "minimum")) value >= rule.minimum else true) and
        (if (@hasField(Rule, "maximum")) value <= rule.maximum else true) and
        (if (@hasField(Rule, "exclusiveMinimum")) value > rule.exclusiveMinimum else true) and
        (if (@hasField(Rule, "exclusiveMaximum")) value < rule.exclusiveMaximum else true);
    if (!allowed) return fail(error.InvalidArgument, "parameter \"{s}\" is {d}: {s}", .{ name, value, comptime json(rule) });
}

// ---- the description ----

fn description(comptime Callback: type) []const u8 {
    @setEvalBranchQuota(100_000);
    const said = Callback.description;
    var made: []const u8 = "{";
    for (Fields(@TypeOf(said)).all) |field| {
        if (!std.mem.eql(u8, field.name, "parameters")) made = made ++ json(field.name) ++ ":" ++ json(@field(said, field.name)) ++ ",";
    }
    return made ++ "\"parameters\":" ++ schema(Callback) ++ "}";
}

fn schema(comptime Callback: type) []const u8 {
    var properties: []const u8 = "";
    var required: []const u8 = "";
    for (Fields(Callback.Parameters).all) |field| {
        properties = properties ++ (if (properties.len > 0) "," else "") ++ json(field.name) ++ ":" ++ property(Callback, field);
        if (field.default == null) required = required ++ (if (required.len > 0) "," else "") ++ json(field.name);
    }
    return "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{" ++ properties ++ "},\"required\":[" ++ required ++ "]}";
}

fn property(comptime Callback: type, comptime field: Field) []const u8 {
    var made: []const u8 = "{" ++ kindOf(field.type);
    if (field.default) |default| made = made ++ ",\"default\":" ++ json(as(field.type, default));
    const rules = rulesOf(Callback, field.name);
    for (Fields(@TypeOf(rules)).all) |rule| made = made ++ "," ++ json(rule.name) ++ ":" ++ json(@field(rules, rule.name));
    const unsigned = @typeInfo(field.type) == .int and @typeInfo(field.type).int.signedness == .unsigned;
    if (unsigned and !@hasField(@TypeOf(rules), "minimum")) made = made ++ ",\"minimum\":0";
    return made ++ "}";
}

fn kindOf(comptime T: type) []const u8 {
    return switch (@typeInfo(T)) {
        .float => "\"type\":\"number\"",
        .int => "\"type\":\"integer\"",
        .bool => "\"type\":\"boolean\"",
        .optional => |optional| kindOf(optional.child),
        .@"enum" => "\"enum\":" ++ json(@typeInfo(T).@"enum".field_names),
        .@"struct" => "\"type\":\"object\"",
        else => if (T == []const u8) "\"type\":\"string\"" else "\"type\":\"array\"",
    };
}

/// The description's rules about a parameter.
fn rulesOf(comptime Callback: type, comptime name: []const u8) if (hasRules(Callback, name)) @TypeOf(@field(Callback.description.parameters, name)) else struct {} {
    return if (hasRules(Callback, name)) @field(Callback.description.parameters, name) else .{};
}

fn hasRules(comptime Callback: type, comptime name: []const u8) bool {
    const Description = @TypeOf(Callback.description);
    return @hasField(Description, "parameters") and @hasField(@TypeOf(Callback.description.parameters), name);
}

fn json(comptime value: anytype) []const u8 {
    return std.fmt.comptimePrint("{f}", .{std.json.fmt(value, .{})});
}

// ---- state: a version, then each field in order, little endian ----

const state_format: u8 = 1;

fn save(comptime State: type, state: *State, bytes: *std.ArrayList(u8)) anyerror!void {
    try bytes.append(allocator(), state_format);
    inline for (Fields(State).all) |field| {
        if (field.type == Later) try @field(state, field.name).poll();
        try put(field.type, @field(state, field.name), bytes);
    }
}

fn put(comptime T: type, value: T, bytes: *std.ArrayList(u8)) anyerror!void {
    if (T == Later) return put(?f64, value.arrived, bytes);
    switch (@typeInfo(T)) {
        .optional => |optional| {
            try bytes.append(allocator(), @intFromBool(value != null));
            if (value) |some| try put(optional.child, some, bytes);
        },
        .int, .float, .bool => try bytes.appendSlice(allocator(), std.mem.asBytes(&value)),
        .array => |array| for (value) |one| try put(array.child, one, bytes),
        .@"struct" => inline for (Fields(T).all) |field| try put(field.type, @field(value, field.name), bytes),
        else => @compileError("a field of State is a number, a bool, an optional, an array, a struct or a Later, not " ++ @typeName(T)),
    }
}

fn load(comptime State: type, state: *State, bytes: []const u8) anyerror!void {
    var rest = bytes;
    if ((try taken(u8, &rest)) != state_format) return unreadable();
    var made: State = .{};
    inline for (Fields(State).all) |field| @field(made, field.name) = try get(field.type, &rest);
    if (rest.len > 0) return unreadable();
    state.* = made;
}

fn get(comptime T: type, rest: *[]const u8) anyerror!T {
    if (T == Later) return .{ .arrived = try get(?f64, rest) };
    switch (@typeInfo(T)) {
        .optional => |optional| return if ((try taken(u8, rest)) == 1) try get(optional.child, rest) else null,
        .bool => return (try taken(u8, rest)) != 0,
        .array => |array| {
            var made: T = undefined;
            for (&made) |*place| place.* = try get(array.child, rest);
            return made;
        },
        .@"struct" => {
            var made: T = undefined;
            inline for (Fields(T).all) |field| @field(made, field.name) = try get(field.type, rest);
            return made;
        },
        else => return taken(T, rest),
    }
}

fn taken(comptime T: type, rest: *[]const u8) anyerror!T {
    if (rest.len < @sizeOf(T)) return unreadable();
    defer rest.* = rest.*[@sizeOf(T)..];
    return std.mem.bytesToValue(T, rest.*[0..@sizeOf(T)]);
}

fn unreadable() anyerror {
    return fail(error.InvalidArgument, "the state was saved by a build with other fields", .{});
}
