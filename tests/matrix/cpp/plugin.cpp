// One guest of the matrix: does what its parameter `task` names and says the outcome in lines of the log. All languages do
// the same; tests/it/matrix.rs has the lines that are due.
#include "phasebox.hpp"

#include <array>
#include <cstdarg>
#include <limits>

using phasebox::Dtype, phasebox::ErrorCode, phasebox::PhaseContext, phasebox::Result, phasebox::Tensor;

constexpr uint32_t large = 4 << 20;

__attribute__((format(printf, 1, 2)))
static void line(const char *format, ...) {
    char text[512];
    va_list values;
    va_start(values, format);
    std::vsnprintf(text, sizeof text, format, values);
    va_end(values);
    phasebox::log(phasebox::Level::info, text);
}

/// Says the contract's name of an error's code.
template <typename T>
static void code(const Result<T> &result) {
    static constexpr const char *names[] = {
        "invalid-argument", "shape-mismatch", "dtype-mismatch", "device-mismatch", "not-available", "stale-handle", "denied",
        "quota-exceeded", "too-large", "out-of-memory", "unsupported", "collective-mismatch", "peer-failed", "sharded",
        "timed-out", "interrupted", "conflict", "input-output", "other"};
    line("%s", result ? "no error" : names[(int)result.error().code]);
}

static Result<Tensor> full(std::initializer_list<int64_t> shape, double value, Dtype dtype = Dtype::float32) {
    return phasebox::full({shape.begin(), shape.size()}, value, dtype, "");
}

static Result<double> sum(const Tensor &tensor) {
    return PHASEBOX_TRY(tensor.sum({}, false)).item();
}

/// A float as all languages write it.
static std::string shown(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%g", value);
    return std::isnan(value) ? "nan" : text;
}

class Matrix : public phasebox::Callback {
    phasebox::Parameter<std::string> task{this, "task", "", "The behavior"};
    phasebox::Parameter<std::string> say{this, "say", "", "A text to say"};
    phasebox::Parameter<uint32_t> turns{this, "turns", 0, "Calls after which it is enough"};
    phasebox::Saved<std::array<uint8_t, 256>> bytes{this, "bytes"};
    uint32_t calls = 0;
    Tensor kept;

    bool is(std::string_view name) const { return *task == name; }

    void fail_at(const char *place) const {
        if (*task == std::string("panic-") + place) PHASEBOX_CHECK(!"it broke on purpose, ⅓ 💡");  // the panic
    }

public:
    Result<> configure() {
        fail_at("configure");
        return {};
    }

    Result<> on_training_start(const PhaseContext &ctx) {
        fail_at("start");
        if (is("errors")) return errors(ctx);
        if (is("options")) epoch(ctx);
        return {};
    }

    Result<> on_train_batch_start(const PhaseContext &ctx) { return turn(ctx); }
    Result<> on_train_batch_forward_end(const PhaseContext &ctx) { return turn(ctx); }
    Result<> on_train_batch_loss_end(const PhaseContext &ctx) {
        fail_at("loss");
        return turn(ctx);
    }
    Result<> on_train_batch_backward_end(const PhaseContext &ctx) { return turn(ctx); }
    Result<> on_train_batch_gradient_step_start(const PhaseContext &ctx) { return turn(ctx); }
    Result<> on_train_batch_gradient_ready(const PhaseContext &ctx) { return turn(ctx); }
    Result<> on_train_batch_optimizer_stepped(const PhaseContext &ctx) { return turn(ctx); }
    Result<> on_train_batch_gradient_step_end(const PhaseContext &ctx) { return turn(ctx); }

    Result<> on_train_batch_end(const PhaseContext &ctx) {
        PHASEBOX_DO(turn(ctx));
        uint64_t step = ctx.global_step();
        if (step == 1) PHASEBOX_DO(first_step(ctx));
        if (is("handles")) return handles(step);
        if (is("stale")) return stale(step);
        if (is("own-error")) return phasebox::fail("it may not, ⅓ 💡", ErrorCode::conflict);
        if (is("state") && step > 1) show_state();
        if (is("recover")) {
            PHASEBOX_CHECK(step > 1 && "the first strike");
            line("alive again");
        }
        return {};
    }

    Result<> on_train_loader_end(const PhaseContext &ctx) {
        if (!is("texts")) return {};
        PHASEBOX_DO(ctx.publish_metric("é ⅓ 💡", 1));
        for (const auto &entry : ctx.metrics_dict()) {
            if (entry.name.ends_with("💡")) phasebox::log(phasebox::Level::info, entry.name);
        }
        return {};
    }

    Result<> on_validation_batch_end(const PhaseContext &) {
        fail_at("validation");
        return {};
    }

    Result<> on_training_end(const PhaseContext &) {
        fail_at("end");
        return {};
    }

private:
    /// Takes a handle, and gives it back with the scope; or asks the host so many times.
    Result<> turn(const PhaseContext &ctx) {
        if (is("costs")) {
            for (uint32_t asked = 0; asked < turns; asked++) ctx.global_step();
        }
        if (!is("turns")) return {};
        calls++;
        auto group = PHASEBOX_TRY(ctx.parameters());
        if (calls == turns) return ctx.disable_self("that is enough");
        return {};
    }

    Result<> first_step(const PhaseContext &ctx) {
        if (is("twice")) return twice();
        if (is("texts")) {
            phasebox::log(phasebox::Level::info, *say);
            phasebox::log(phasebox::Level::info, std::string_view("a\0b é ⅓ 💡 \xf4\x8f\xbf\xbf", 20));
        }
        if (is("options")) return options(ctx);
        if (is("lists")) return lists();
        if (is("integers")) return integers(ctx);
        if (is("numbers")) return numbers(ctx);
        for (int i = 0; is("state") && i < 256; i++) bytes.value[i] = (uint8_t)i;
        return {};
    }

    Result<> handles(uint64_t step) {
        if (step == 1) {
            auto one = PHASEBOX_TRY(full({2, 3}, 1.5));
            auto two = PHASEBOX_TRY(one.add(one, 1));
            double first = PHASEBOX_TRY(sum(two)), second = PHASEBOX_TRY(sum(one));
            line("%g %g", first, second);
            kept = PHASEBOX_TRY(PHASEBOX_TRY(full({}, 7)).keep());
        }
        if (step == 2) {
            double value = PHASEBOX_TRY(kept.item());
            line("kept %g", value);
            kept.drop();
            line("released later");
        }
        return {};
    }

    Result<> twice() {
        auto made = PHASEBOX_TRY(full({}, 7));
        made.drop();
        made.drop();
        line("alive");
        return {};
    }

    Result<> stale(uint64_t step) {
        if (step == 1) kept = PHASEBOX_TRY(full({}, 7));
        if (step == 2) code(kept.item());
        return {};
    }

    Result<> errors(const PhaseContext &ctx) {
        auto two = PHASEBOX_TRY(full({2}, 1)), three = PHASEBOX_TRY(full({3}, 1));
        int64_t small[] = {2}, huge[] = {1ll << 40};
        code(two.add(three, 1));
        code(ctx.preds());
        code(ctx.request_stop("batch", ""));
        code(phasebox::zeros(small, Dtype::other, ""));
        code(phasebox::zeros(huge, Dtype::float32, ""));
        code(ctx.learning_rate("nobody"));
        return {};
    }

    static void epoch(const PhaseContext &ctx) {
        auto value = ctx.epoch();
        if (value) line("epoch some %u", (unsigned)*value);
        else line("epoch none");
    }

    Result<> options(const PhaseContext &ctx) {
        epoch(ctx);
        line("metric %s", ctx.metric("nobody") ? "some" : "none");
        auto three = PHASEBOX_TRY(full({}, 3));
        double low = PHASEBOX_TRY(PHASEBOX_TRY(three.clamp(std::nullopt, 2)).item());
        double high = PHASEBOX_TRY(PHASEBOX_TRY(three.clamp(5, std::nullopt)).item());
        line("%g", low);
        line("%g", high);
        return {};
    }

    Result<> lists() {
        std::vector<float> values(large);
        for (uint32_t i = 0; i < large; i++) values[i] = (float)(i % 7);
        int64_t shape[] = {large};
        auto given = PHASEBOX_TRY(phasebox::from_f32(shape, values, ""));
        double total = PHASEBOX_TRY(sum(PHASEBOX_TRY(given.to_dtype(Dtype::float64)))), read = 0;
        auto back = PHASEBOX_TRY(given.read_f32(0, large));
        for (float value : back) read += value;
        line("%zu %.0f %.0f", back.size(), total, read);
        return {};
    }

    Result<> integers(const PhaseContext &ctx) {
        int64_t shape[] = {3}, values[] = {INT64_MIN, INT64_MAX, -1};
        auto given = PHASEBOX_TRY(phasebox::from_s64(shape, values, ""));
        auto back = PHASEBOX_TRY(given.read_s64(0, 3));
        line("%lld %lld %lld", (long long)back[0], (long long)back[1], (long long)back[2]);
        line("%llu", (unsigned long long)ctx.seed());
        code(given.read_s64(UINT64_MAX, 1));
        return {};
    }

    Result<> numbers(const PhaseContext &ctx) {
        int64_t shape[] = {5};
        float values[] = {NAN, INFINITY, -INFINITY, -0.0f, 3};
        auto back = PHASEBOX_TRY(PHASEBOX_TRY(phasebox::from_f32(shape, values, "")).read_f32(0, 5));
        std::string text;
        for (float value : back) text += (text.empty() ? "" : " ") + shown(value);
        line("%s", text.c_str());
        for (double value : {std::numeric_limits<double>::max(), 5e-324, -(double)INFINITY}) {
            double found = PHASEBOX_TRY(PHASEBOX_TRY(full({}, value, Dtype::float64)).item());
            line("%s", found == value ? "exact" : "changed");
        }
        PHASEBOX_DO(ctx.log_scalar("nan", NAN));
        return ctx.log_scalar("é ⅓ 💡", std::numeric_limits<double>::max());
    }

    void show_state() const {
        bool is_whole = true;
        for (int i = 0; i < 256; i++) is_whole = is_whole && (*bytes)[i] == i;
        line("state %s", is_whole ? "whole" : "damaged");
    }
};

PHASEBOX_CALLBACK(Matrix, .name = "matrix", .summary = "Behaves as it is told")
