/* {{name}}: smooths the loss, logs it, and ends the training when it no longer falls. */
#include "plugin.h"
#include "phasebox.h"

/* The recipe's `params`, with their defaults. */
static double smoothing = 0.9;
static uint32_t patience = 50;
static const phasebox_parameter_t parameters[] = {
    PHASEBOX_PARAMETER(smoothing, "The share of the old value in each new one", .minimum = PHASEBOX_BOUND(0),
                       .exclusive_maximum = PHASEBOX_BOUND(1)),
    PHASEBOX_PARAMETER(patience, "Values without a new best before the stop", .minimum = PHASEBOX_BOUND(1)),
};

/* Saved in checkpoints. */
static struct {
    bool started;
    double smoothed, best;
    uint32_t wait;
    phasebox_later_t loss;
} state;

PHASEBOX_CALLBACK(.name = "{{name}}", .version = "0.1.0",
                  .summary = "Logs a smoothed loss and stops when it no longer falls", .grants = {"stop"},
                  .parameters = parameters, .parameter_count = sizeof parameters / sizeof *parameters,
                  .state = &state, .state_size = sizeof state, .laters = {&state.loss})

static void update(double loss) {
    state.smoothed = state.started ? smoothing * state.smoothed + (1 - smoothing) * loss : loss;
    bool better = !state.started || state.smoothed < state.best;
    state.started = true;
    state.wait = better ? 0 : state.wait + 1;
    if (better) state.best = state.smoothed;
}

PHASEBOX_PHASE(on_train_batch_end) {
    double loss;
    bool is_here;
    if (!phasebox_later_take(&state.loss, &loss, &is_here, error)) return false;
    if (is_here) {
        update(loss);
        if (!phasebox_log_scalar(context, "smoothed_loss", state.smoothed, error)) return false;
        if (state.wait >= patience && !phasebox_request_stop(context, "batch", "the smoothed loss no longer falls", error))
            return false;
    }
    return phasebox_later_ask(&state.loss, context, phasebox_train_context_method_phase_context_loss, error);
}
{{phases}}
