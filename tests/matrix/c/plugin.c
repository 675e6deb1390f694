/* One guest of the matrix: does what its parameter `task` names and says the outcome in lines of the log. All languages do
 * the same; tests/it/matrix.rs has the lines that are due. */
#include "plugin.h"
#include "phasebox.h"

#include <stdint.h>

#define LARGE (4u << 20)
#define FLOAT32 PHASEBOX_TRAIN_TYPES_DTYPE_FLOAT32
#define FLOAT64 PHASEBOX_TRAIN_TYPES_DTYPE_FLOAT64
typedef phasebox_train_tensor_own_tensor_t tensor_t;

static char task[32] = "", say[256] = "";
static uint32_t turns = 0;
static const phasebox_parameter_t parameters[] = {
    PHASEBOX_PARAMETER(task, "The behavior"),
    PHASEBOX_PARAMETER(say, "A text to say"),
    PHASEBOX_PARAMETER(turns, "Calls after which it is enough"),
};

static struct { uint8_t bytes[256]; } state;
static uint32_t calls;
static tensor_t kept;

static void fail_at(const char *place) {
    if (strncmp(task, "panic-", 6) == 0 && strcmp(task + 6, place) == 0) {
        PHASEBOX_CHECK(!"it broke on purpose, ⅓ 💡"); /* the panic */
    }
}

static bool configure(phasebox_error_t *error) {
    (void)error;
    fail_at("configure");
    return true;
}

PHASEBOX_CALLBACK(.name = "matrix", .version = "0.1.0", .summary = "Behaves as it is told", .parameters = parameters,
                  .parameter_count = sizeof parameters / sizeof *parameters, .state = &state, .state_size = sizeof state,
                  .configure = configure)

static bool is(const char *name) { return strcmp(task, name) == 0; }

__attribute__((format(printf, 1, 2)))
static void line(const char *format, ...) {
    char text[512];
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    phasebox_info(text);
}

static phasebox_train_tensor_borrow_tensor_t lent(tensor_t tensor) { return phasebox_train_tensor_borrow_tensor(tensor); }

static bool full(const int64_t *shape, size_t length, double value, phasebox_train_types_dtype_t dtype, tensor_t *made,
                 phasebox_error_t *error) {
    plugin_list_s64_t dims = {(int64_t *)shape, length};
    phasebox_string_t device = phasebox_text("");
    return phasebox_train_tensor_full(&dims, value, dtype, &device, made, error);
}

static bool number(double value, tensor_t *made, phasebox_error_t *error) {
    return full(NULL, 0, value, FLOAT32, made, error);
}

static bool item(tensor_t tensor, double *value, phasebox_error_t *error) {
    return phasebox_train_tensor_method_tensor_item(lent(tensor), value, error);
}

static bool sum(tensor_t tensor, double *value, phasebox_error_t *error) {
    PHASEBOX_OWN(tensor, tensor) total = {0};
    plugin_list_s64_t all = {0};
    return phasebox_train_tensor_method_tensor_sum(lent(tensor), &all, false, &total, error) && item(total, value, error);
}

/* Says the contract's name of an error's code. */
static void code(bool is_done, phasebox_error_t *error) {
    static const char *const names[] = {
        "invalid-argument", "shape-mismatch", "dtype-mismatch", "device-mismatch", "not-available", "stale-handle", "denied",
        "quota-exceeded", "too-large", "out-of-memory", "unsupported", "collective-mismatch", "peer-failed", "sharded",
        "timed-out", "interrupted", "conflict", "input-output", "other"};
    if (is_done) return line("no error");
    line("%s", names[error->code]);
    phasebox_train_types_error_free(error);
}

static bool handles(uint64_t step, phasebox_error_t *error) {
    if (step == 1) {
        PHASEBOX_OWN(tensor, tensor) one = {0};
        PHASEBOX_OWN(tensor, tensor) two = {0};
        PHASEBOX_OWN(tensor, tensor) seven = {0};
        double first, second;
        if (!full((int64_t[]){2, 3}, 2, 1.5, FLOAT32, &one, error)) return false;
        if (!phasebox_train_tensor_method_tensor_add(lent(one), lent(one), 1, &two, error)) return false;
        if (!sum(two, &first, error) || !sum(one, &second, error)) return false;
        line("%g %g", first, second);
        if (!number(7, &seven, error)) return false;
        return phasebox_train_tensor_method_tensor_keep(lent(seven), &kept, error);
    }
    if (step == 2) {
        double value;
        if (!item(kept, &value, error)) return false;
        line("kept %g", value);
        phasebox_drop_tensor(&kept);
        line("released later");
    }
    return true;
}

static bool twice(phasebox_error_t *error) {
    tensor_t made = {0};
    if (!number(7, &made, error)) return false;
    phasebox_drop_tensor(&made);
    phasebox_drop_tensor(&made);
    line("alive");
    return true;
}

static bool stale(uint64_t step, phasebox_error_t *error) {
    double value;
    if (step == 1) return number(7, &kept, error);
    if (step == 2) code(item(kept, &value, error), error);
    return true;
}

static void errors(phasebox_context_t context) {
    phasebox_error_t error;
    PHASEBOX_OWN(tensor, tensor) two = {0};
    PHASEBOX_OWN(tensor, tensor) three = {0};
    PHASEBOX_OWN(tensor, tensor) made = {0};
    PHASEBOX_CHECK(full((int64_t[]){2}, 1, 1, FLOAT32, &two, &error) && full((int64_t[]){3}, 1, 1, FLOAT32, &three, &error));
    code(phasebox_train_tensor_method_tensor_add(lent(two), lent(three), 1, &made, &error), &error);
    code(phasebox_train_context_method_phase_context_preds(context, &made, &error), &error);
    code(phasebox_request_stop(context, "batch", "", &error), &error);
    plugin_list_s64_t small = {(int64_t[]){2}, 1}, huge = {(int64_t[]){1ll << 40}, 1};
    phasebox_string_t device = phasebox_text("");
    code(phasebox_train_tensor_zeros(&small, PHASEBOX_TRAIN_TYPES_DTYPE_OTHER, &device, &made, &error), &error);
    code(phasebox_train_tensor_zeros(&huge, FLOAT32, &device, &made, &error), &error);
    phasebox_string_t nobody = phasebox_text("nobody");
    double rate;
    code(phasebox_train_context_method_phase_context_learning_rate(context, &nobody, &rate, &error), &error);
}

static void epoch(phasebox_context_t context) {
    uint32_t value;
    bool is_some = phasebox_train_context_method_phase_context_epoch(context, &value);
    if (is_some) line("epoch some %u", value);
    else line("epoch none");
}

static bool clamped(tensor_t tensor, double *least, double *most, phasebox_error_t *error) {
    PHASEBOX_OWN(tensor, tensor) made = {0};
    double value;
    if (!phasebox_train_tensor_method_tensor_clamp(lent(tensor), least, most, &made, error)) return false;
    if (!item(made, &value, error)) return false;
    line("%g", value);
    return true;
}

static bool options(phasebox_context_t context, phasebox_error_t *error) {
    PHASEBOX_OWN(tensor, tensor) three = {0};
    phasebox_string_t nobody = phasebox_text("nobody");
    double value;
    epoch(context);
    line("metric %s", phasebox_train_context_method_phase_context_metric(context, &nobody, &value) ? "some" : "none");
    if (!number(3, &three, error)) return false;
    return clamped(three, NULL, &(double){2}, error) && clamped(three, &(double){5}, NULL, error);
}

static bool lists(phasebox_error_t *error) {
    PHASEBOX_OWN(tensor, tensor) given = {0};
    PHASEBOX_OWN(tensor, tensor) wide = {0};
    float *values = malloc(LARGE * sizeof *values);
    PHASEBOX_CHECK(values != NULL);
    for (uint32_t i = 0; i < LARGE; i++) values[i] = (float)(i % 7);
    plugin_list_s64_t shape = {(int64_t[]){LARGE}, 1};
    plugin_list_f32_t list = {values, LARGE}, back;
    phasebox_string_t device = phasebox_text("");
    bool done = phasebox_train_tensor_from_f32(&shape, &list, &device, &given, error);
    free(values);
    double total, read = 0;
    if (!done || !phasebox_train_tensor_method_tensor_to_dtype(lent(given), FLOAT64, &wide, error)) return false;
    if (!sum(wide, &total, error)) return false;
    if (!phasebox_train_tensor_method_tensor_read_f32(lent(given), 0, LARGE, &back, error)) return false;
    for (size_t i = 0; i < back.len; i++) read += back.ptr[i];
    line("%zu %.0f %.0f", back.len, total, read);
    plugin_list_f32_free(&back);
    return true;
}

static bool integers(phasebox_context_t context, phasebox_error_t *error) {
    PHASEBOX_OWN(tensor, tensor) given = {0};
    plugin_list_s64_t shape = {(int64_t[]){3}, 1}, list = {(int64_t[]){INT64_MIN, INT64_MAX, -1}, 3}, back;
    phasebox_string_t device = phasebox_text("");
    if (!phasebox_train_tensor_from_s64(&shape, &list, &device, &given, error)) return false;
    if (!phasebox_train_tensor_method_tensor_read_s64(lent(given), 0, 3, &back, error)) return false;
    line("%lld %lld %lld", back.ptr[0], back.ptr[1], back.ptr[2]);
    plugin_list_s64_free(&back);
    line("%llu", phasebox_train_context_method_phase_context_seed(context));
    code(phasebox_train_tensor_method_tensor_read_s64(lent(given), UINT64_MAX, 1, &back, error), error);
    return true;
}

/* A float as all languages write it. */
static void shown(double value, char *text) {
    if (isnan(value)) strcpy(text, "nan");
    else sprintf(text, "%g", value);
}

static bool numbers(phasebox_context_t context, phasebox_error_t *error) {
    PHASEBOX_OWN(tensor, tensor) given = {0};
    plugin_list_s64_t shape = {(int64_t[]){5}, 1};
    plugin_list_f32_t list = {(float[]){NAN, INFINITY, -INFINITY, -0.0f, 3}, 5}, back;
    phasebox_string_t device = phasebox_text("");
    char text[5][16];
    if (!phasebox_train_tensor_from_f32(&shape, &list, &device, &given, error)) return false;
    if (!phasebox_train_tensor_method_tensor_read_f32(lent(given), 0, 5, &back, error)) return false;
    for (int i = 0; i < 5; i++) shown(back.ptr[i], text[i]);
    line("%s %s %s %s %s", text[0], text[1], text[2], text[3], text[4]);
    plugin_list_f32_free(&back);
    for (int i = 0; i < 3; i++) {
        double value = (double[]){1.7976931348623157e308, 5e-324, -INFINITY}[i], found;
        PHASEBOX_OWN(tensor, tensor) one = {0};
        if (!full(NULL, 0, value, FLOAT64, &one, error) || !item(one, &found, error)) return false;
        line(found == value ? "exact" : "changed");
    }
    return phasebox_log_scalar(context, "nan", NAN, error) &&
           phasebox_log_scalar(context, "é ⅓ 💡", 1.7976931348623157e308, error);
}

static void show_state(void) {
    bool is_whole = true;
    for (int i = 0; i < 256; i++) is_whole = is_whole && state.bytes[i] == i;
    line("state %s", is_whole ? "whole" : "damaged");
}

static void recover(uint64_t step) {
    PHASEBOX_CHECK(step > 1 && "the first strike");
    line("alive again");
}

/* A text with its zeros. */
static void texts(void) {
    static char own[] = "a\0b é ⅓ 💡 \xf4\x8f\xbf\xbf";
    phasebox_string_t text = {(uint8_t *)own, sizeof own - 1};
    phasebox_info(say);
    phasebox_train_diagnostics_log(PHASEBOX_TRAIN_TYPES_LEVEL_INFO, &text);
}

/* Takes a handle, and gives it back with the scope; or asks the host so many times. */
static bool turn(phasebox_context_t context, phasebox_error_t *error) {
    if (is("costs")) {
        for (uint32_t asked = 0; asked < turns; asked++) phasebox_train_context_method_phase_context_global_step(context);
    }
    if (!is("turns")) return true;
    PHASEBOX_OWN(tensor, tensor_group) group = {0};
    calls++;
    if (!phasebox_train_context_method_phase_context_parameters(context, &group, error)) return false;
    phasebox_string_t enough = phasebox_text("that is enough");
    return calls != turns || phasebox_train_context_method_phase_context_disable_self(context, &enough, error);
}

PHASEBOX_PHASE(on_training_start) {
    fail_at("start");
    if (is("errors")) errors(context);
    if (is("options")) epoch(context);
    return true;
}

PHASEBOX_PHASE(on_train_batch_start) { return turn(context, error); }
PHASEBOX_PHASE(on_train_batch_forward_end) { return turn(context, error); }
PHASEBOX_PHASE(on_train_batch_loss_end) {
    fail_at("loss");
    return turn(context, error);
}
PHASEBOX_PHASE(on_train_batch_backward_end) { return turn(context, error); }
PHASEBOX_PHASE(on_train_batch_gradient_step_start) { return turn(context, error); }
PHASEBOX_PHASE(on_train_batch_gradient_ready) { return turn(context, error); }
PHASEBOX_PHASE(on_train_batch_optimizer_stepped) { return turn(context, error); }
PHASEBOX_PHASE(on_train_batch_gradient_step_end) { return turn(context, error); }

static bool first_step(phasebox_context_t context, phasebox_error_t *error) {
    if (is("twice")) return twice(error);
    if (is("texts")) texts();
    if (is("options")) return options(context, error);
    if (is("lists")) return lists(error);
    if (is("integers")) return integers(context, error);
    if (is("numbers")) return numbers(context, error);
    for (int i = 0; is("state") && i < 256; i++) state.bytes[i] = (uint8_t)i;
    return true;
}

PHASEBOX_PHASE(on_train_batch_end) {
    if (!turn(context, error)) return false;
    uint64_t step = phasebox_train_context_method_phase_context_global_step(context);
    if (step == 1 && !first_step(context, error)) return false;
    if (is("handles")) return handles(step, error);
    if (is("stale")) return stale(step, error);
    if (is("own-error")) return phasebox_fail(error, PHASEBOX_TRAIN_TYPES_ERROR_CODE_CONFLICT, "it may not, ⅓ 💡");
    if (is("state") && step > 1) show_state();
    if (is("recover")) recover(step);
    return true;
}

PHASEBOX_PHASE(on_train_loader_end) {
    if (!is("texts")) return true;
    phasebox_string_t name = phasebox_text("é ⅓ 💡");
    phasebox_train_context_list_scalar_entry_t found;
    if (!phasebox_train_context_method_phase_context_publish_metric(context, &name, 1, error)) return false;
    phasebox_train_context_method_phase_context_metrics_dict(context, &found);
    for (size_t i = 0; i < found.len; i++) {
        phasebox_string_t one = found.ptr[i].name;
        if (one.len >= 4 && memcmp(one.ptr + one.len - 4, "💡", 4) == 0) {
            phasebox_train_diagnostics_log(PHASEBOX_TRAIN_TYPES_LEVEL_INFO, &one);
        }
    }
    phasebox_train_context_list_scalar_entry_free(&found);
    return true;
}

PHASEBOX_PHASE(on_validation_batch_end) {
    fail_at("validation");
    return true;
}

PHASEBOX_PHASE(on_training_end) {
    fail_at("end");
    return true;
}
