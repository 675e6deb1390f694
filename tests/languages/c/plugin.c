/* `smooth` in C: the smoothed loss, logged at each batch, and a stop when it has not improved for long.
 * What it does and the bytes of its state are in ../README.md; handles are explained in plugins/sdk/c. */
#include <math.h>
#include <stdlib.h>

#include "plugin.h"
#include "phasebox.h"

static const char DESCRIPTION[] =
    "{\"name\": \"smooth\", \"version\": \"0.1.0\", "
    "\"summary\": \"Logs a smoothed loss and stops when it no longer improves\", "
    "\"parameters\": {\"type\": \"object\", \"additionalProperties\": false, \"properties\": {"
    "\"smoothing\": {\"type\": \"number\", \"minimum\": 0, \"exclusiveMaximum\": 1, \"default\": 0.9}, "
    "\"patience\": {\"type\": \"integer\", \"minimum\": 1, \"maximum\": 4294967295, \"default\": 50}, "
    "\"min_delta\": {\"type\": \"number\", \"minimum\": 0, \"default\": 0}}}, "
    "\"grants\": [\"stop\"]}";

#define INVALID PHASEBOX_TRAIN_TYPES_ERROR_CODE_INVALID_ARGUMENT
#define NOT_AVAILABLE PHASEBOX_TRAIN_TYPES_ERROR_CODE_NOT_AVAILABLE

/* The state's bytes. wasm32 is little endian, so memory and format agree. */
enum { STATE_VERSION = 1, HAS_SMOOTHED = 1, HAS_ARRIVED = 2 };
typedef struct __attribute__((packed)) {
    uint8_t version, flags;
    uint32_t wait;
    double smoothed, best, arrived;
} state_t;
_Static_assert(sizeof(state_t) == 30, "the format has no padding");

static struct { double smoothing, patience, min_delta; } params = {0.9, 50, 0};
static state_t state = {.version = STATE_VERSION};
static phasebox_train_tensor_own_deferred_t pending; /* 0: no loss is on its way */

/* ---- parameters: a flat JSON object of numbers ---- */

static bool key_is(const char *key, size_t length, const char *name) {
    return strlen(name) == length && memcmp(key, name, length) == 0;
}

/* `value` is NAN for what is no number: it then fails every comparison. */
static bool set_param(const char *key, size_t length, double value, phasebox_error_t *error) {
    if (key_is(key, length, "smoothing")) {
        params.smoothing = value;
        return (0 <= value && value < 1) ||
               phasebox_fail(error, INVALID, "parameter \"smoothing\" must be a number from 0 to below 1");
    }
    if (key_is(key, length, "patience")) {
        params.patience = value;
        return (1 <= value && value <= UINT32_MAX && value == floor(value)) ||
               phasebox_fail(error, INVALID, "parameter \"patience\" must be a whole number from 1 to 4294967295");
    }
    if (key_is(key, length, "min_delta")) {
        params.min_delta = value;
        return (0 <= value && value < INFINITY) ||
               phasebox_fail(error, INVALID, "parameter \"min_delta\" must be a number from 0 on");
    }
    return phasebox_fail(error, INVALID, "unknown parameter \"%.*s\"; known are smoothing, patience, min_delta",
                         (int)length, key);
}

/* What is not space, from `at` on; the text has an end mark, so this stops there at the latest. */
static const char *next(const char *at) { return at + strspn(at, " \t\r\n"); }

/* Reads `"key": number` and gives where it ends, or NULL with `error` filled. */
static const char *read_param(const char *at, phasebox_error_t *error) {
    const char *key = at + 1, *end = *at == '"' ? strchr(key, '"') : NULL;
    const char *colon = end ? next(end + 1) : NULL;
    if (!colon || *colon != ':') return phasebox_fail(error, INVALID, "params is not a JSON object"), NULL;
    const char *start = next(colon + 1);
    char *after = (char *)start;
    bool number = *start == '-' || (*start >= '0' && *start <= '9');
    double value = number ? strtod(start, &after) : NAN;
    return set_param(key, end - key, value, error) ? next(after) : NULL;
}

static bool read_params(const char *text, phasebox_error_t *error) {
    const char *at = next(text);
    char expected = '{';
    while (*at == expected) {
        at = next(at + 1);
        if (*at == '}') return true;
        if (!(at = read_param(at, error))) return false;
        if (*at == '}') return true;
        expected = ',';
    }
    return phasebox_fail(error, INVALID, "params is not a JSON object");
}

/* ---- the arithmetic ---- */

/* Takes the loss that was asked for, if it is here. */
static bool collect(phasebox_error_t *error) {
    if (!pending.__handle) return true;
    plugin_option_f64_t value;
    if (!phasebox_train_tensor_method_deferred_poll(phasebox_train_tensor_borrow_deferred(pending), &value, error))
        return false;
    if (!value.is_some) return true;
    state.arrived = value.val;
    state.flags |= HAS_ARRIVED;
    phasebox_drop_deferred(&pending);
    return true;
}

static void update(double loss) {
    bool first = !(state.flags & HAS_SMOOTHED);
    state.smoothed = first ? loss : params.smoothing * state.smoothed + (1 - params.smoothing) * loss;
    state.flags = HAS_SMOOTHED;
    bool improved = first || state.smoothed < state.best - params.min_delta;
    if (improved) state.best = state.smoothed;
    state.wait = improved ? 0 : state.wait + 1;
}

static bool log_smoothed(phasebox_context_t context, phasebox_error_t *error) {
    PHASEBOX_OWN(context, logger) logger = {0};
    if (!phasebox_train_context_method_phase_context_sg_logger(context, &logger, error)) return false;
    phasebox_string_t name = phasebox_text("smoothed_loss");
    return phasebox_train_context_method_logger_scalar(phasebox_train_context_borrow_logger(logger), &name,
                                                       state.smoothed, error);
}

static bool stop_if_stuck(phasebox_context_t context, phasebox_error_t *error) {
    if (state.wait < params.patience) return true;
    char text[80];
    snprintf(text, sizeof text, "smoothed loss has not improved for %u batches", (unsigned)state.wait);
    phasebox_string_t at = phasebox_text("batch"), reason = phasebox_text(text);
    return phasebox_train_context_method_phase_context_request_stop(context, &at, &reason, error);
}

/* A batch that was skipped has no loss; that is no failure. */
static bool ask_for_loss(phasebox_context_t context, phasebox_error_t *error) {
    PHASEBOX_OWN(tensor, tensor) loss = {0};
    if (!phasebox_train_context_method_phase_context_loss(context, &loss, error)) {
        if (error->code != NOT_AVAILABLE) return false;
        phasebox_train_types_error_free(error);
        return true;
    }
    return phasebox_train_tensor_method_tensor_defer(phasebox_train_tensor_borrow_tensor(loss), &pending, error);
}

/* ---- exports ---- */

void exports_smooth_plugin_callback_describe(plugin_string_t *ret) { plugin_string_dup(ret, DESCRIPTION); }

bool exports_smooth_plugin_callback_configure(plugin_string_t *given, phasebox_error_t *error) {
    char *text = strndup((char *)given->ptr, given->len);
    PHASEBOX_CHECK(text != NULL);
    bool done = read_params(text, error);
    free(text);
    plugin_string_free(given);
    return done;
}

bool exports_smooth_plugin_callback_save_state(plugin_list_u8_t *ret, phasebox_error_t *error) {
    if (!collect(error)) return false;
    ret->ptr = malloc(sizeof state);
    PHASEBOX_CHECK(ret->ptr != NULL);
    ret->len = sizeof state;
    memcpy(ret->ptr, &state, sizeof state);
    return true;
}

bool exports_smooth_plugin_callback_load_state(plugin_list_u8_t *saved, phasebox_error_t *error) {
    bool known = saved->len == sizeof state && saved->ptr[0] == STATE_VERSION;
    if (known) memcpy(&state, saved->ptr, sizeof state);
    plugin_list_u8_free(saved);
    return known || phasebox_fail(error, INVALID, "the state is not 30 bytes of version 1");
}

bool exports_smooth_plugin_callback_on_train_batch_end(phasebox_context_t ctx, phasebox_error_t *error) {
    PHASEBOX_LENT context = ctx;
    if (!collect(error)) return false;
    if (state.flags & HAS_ARRIVED) {
        update(state.arrived);
        state.arrived = 0;
        if (!log_smoothed(context, error) || !stop_if_stuck(context, error)) return false;
    }
    return pending.__handle || ask_for_loss(context, error);
}

bool exports_smooth_plugin_callback_on_training_end(phasebox_context_t ctx, phasebox_error_t *error) {
    PHASEBOX_LENT context = ctx;
    (void)error;
    phasebox_drop_deferred(&pending);
    char text[80];
    snprintf(text, sizeof text, "smoothed loss: %u of %.0f batches without improvement", (unsigned)state.wait,
             params.patience);
    phasebox_string_t line = phasebox_text(text);
    phasebox_train_diagnostics_log(PHASEBOX_TRAIN_TYPES_LEVEL_INFO, &line);
    return true;
}
