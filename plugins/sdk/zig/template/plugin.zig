//! {{name}}: smooths the loss, logs it, and ends the training when it no longer falls.
const phasebox = @import("sdk/phasebox.zig");
const PhaseContext = phasebox.PhaseContext;

pub const panic = phasebox.panic;
comptime {
    phasebox.exportCallback({{type}});
}

const {{type}} = struct {
    pub const description = .{
        .name = "{{name}}",
        .version = "0.1.0",
        .summary = "Logs a smoothed loss and stops when it no longer falls",
        .grants = .{"stop"},
        .parameters = .{
            .smoothing = .{ .description = "The share of the old value in each new one", .minimum = 0, .exclusiveMaximum = 1 },
            .patience = .{ .description = "Values without a new best before the stop", .minimum = 1 },
        },
    };
    /// The recipe's `params`.
    pub const Parameters = struct { smoothing: f64 = 0.9, patience: u32 = 50 };
    /// Saved in checkpoints.
    pub const State = struct { smoothed: ?f64 = null, best: f64 = 0, wait: u32 = 0, loss: phasebox.Later = .{} };

    parameters: Parameters,
    state: State,

    pub fn onTrainBatchEnd(self: *{{type}}, ctx: PhaseContext) !void {
        if (try self.state.loss.take()) |loss| {
            try ctx.logScalar("smoothed_loss", self.update(loss));
            if (self.state.wait >= self.parameters.patience) try ctx.requestStop("batch", "the smoothed loss no longer falls");
        }
        try self.state.loss.ask(ctx.loss());
    }

    fn update(self: *{{type}}, loss: f64) f64 {
        const state = &self.state;
        const share = self.parameters.smoothing;
        const smoothed = if (state.smoothed) |old| share * old + (1 - share) * loss else loss;
        const better = state.smoothed == null or smoothed < state.best;
        state.wait = if (better) 0 else state.wait + 1;
        if (better) state.best = smoothed;
        state.smoothed = smoothed;
        return smoothed;
    }
{{phases}}
};
