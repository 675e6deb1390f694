// {{name}}: smooths the loss, logs it, and ends the training when it no longer falls.
#include "phasebox.hpp"

using phasebox::PhaseContext, phasebox::Result;

class {{type}} : public phasebox::Callback {
    // The recipe's `params`.
    phasebox::Parameter<double> smoothing{
        this, "smoothing", 0.9, "The share of the old value in each new one", {.minimum = 0, .exclusiveMaximum = 1}};
    phasebox::Parameter<uint32_t> patience{
        this, "patience", 50, "Values without a new best before the stop", {.minimum = 1}};
    // Saved in checkpoints.
    phasebox::Saved<std::optional<double>> smoothed{this, "smoothed"};
    phasebox::Saved<double> best{this, "best"};
    phasebox::Saved<uint32_t> wait{this, "wait"};
    phasebox::SavedLater loss{this, "loss"};

public:
    Result<> on_train_batch_end(const PhaseContext &ctx) {
        if (auto value = PHASEBOX_TRY(loss.take())) {
            PHASEBOX_DO(ctx.log_scalar("smoothed_loss", update(*value)));
            if (wait >= patience) PHASEBOX_DO(ctx.request_stop("batch", "the smoothed loss no longer falls"));
        }
        return loss.ask(ctx.loss());
    }
{{phases}}
private:
    double update(double value) {
        double now = smoothed.value ? smoothing * *smoothed.value + (1 - smoothing) * value : value;
        bool better = !smoothed.value || now < best;
        wait = better ? 0 : wait + 1;
        if (better) best = now;
        smoothed = now;
        return now;
    }
};

PHASEBOX_CALLBACK({{type}}, .name = "{{name}}", .summary = "Logs a smoothed loss and stops when it no longer falls",
                  .grants = {"stop"})
