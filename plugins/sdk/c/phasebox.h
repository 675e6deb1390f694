/* Callbacks in C: handles that drop themselves at the end of their scope, errors in one line, failures that are reported
 * before the trap; and, with PHASEBOX_CALLBACK, the description, the parameters and the state of a callback from tables.
 *
 * First include the header that wit-bindgen generated from your world. If the world is not called `plugin`,
 * define PHASEBOX_WORLD as its name before including this. Needs clang or gcc (attribute `cleanup`). */
#ifndef PHASEBOX_H
#define PHASEBOX_H

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef PHASEBOX_WORLD
#define PHASEBOX_WORLD plugin
#endif
#define PHASEBOX_JOIN_EXPANDED(a, b) a##_##b
#define PHASEBOX_JOIN(a, b) PHASEBOX_JOIN_EXPANDED(a, b)

/* wit-bindgen names the string type after the world; this name does not depend on the world. */
typedef PHASEBOX_JOIN(PHASEBOX_WORLD, string_t) phasebox_string_t;
typedef phasebox_train_types_error_t phasebox_error_t;
typedef phasebox_train_context_borrow_phase_context_t phasebox_context_t;

/* Shows `text` to a function of the host. Nothing is copied: `text` must live as long as the call. */
static inline phasebox_string_t phasebox_text(const char *text) {
    return (phasebox_string_t){(uint8_t *)text, strlen(text)};
}

/* Fills `error` (at most 511 bytes of message) and returns false: `return phasebox_fail(error, …)`. */
__attribute__((format(printf, 3, 4)))
static inline bool phasebox_fail(phasebox_error_t *error, phasebox_train_types_error_code_t code,
                                 const char *format, ...) {
    char message[512];
    va_list values;
    va_start(values, format);
    vsnprintf(message, sizeof message, format, values);
    va_end(values);
    error->code = code;
    /* A copy on the heap: the bindings free it once the host has read it. */
    PHASEBOX_JOIN(PHASEBOX_WORLD, string_dup)(&error->message, message);
    return false;
}

/* Reports message and location to the host, then traps. */
_Noreturn static inline void phasebox_trap(const char *message, const char *location) {
    phasebox_string_t what = phasebox_text(message), where = phasebox_text(location), trace = {0};
    phasebox_train_diagnostics_report_failure(&what, &where, &trace);
    __builtin_trap();
}
#define PHASEBOX_TEXT_OF_EXPANDED(x) #x
#define PHASEBOX_TEXT_OF(x) PHASEBOX_TEXT_OF_EXPANDED(x)
/* Checks a condition that holds in every correct program, such as a successful allocation. */
#define PHASEBOX_CHECK(condition) \
    ((condition) ? (void)0 : phasebox_trap("not so: " #condition, __FILE__ ":" PHASEBOX_TEXT_OF(__LINE__)))

/* `PHASEBOX_OWN(tensor, tensor) loss = {0};` ends with its scope, on every way out. The `{0}` matters: 0 is no
 * handle, and a host call that fails leaves the variable as it was. Handles of tensors and groups, which end with the
 * call anyway, are given back several at a time. */
#define PHASEBOX_OWN(interface, resource)                   \
    __attribute__((cleanup(phasebox_end_##resource)))       \
    phasebox_train_##interface##_own_##resource##_t
/* The same for what `keep` and `duplicate` made: dropped at once, since it is charged until then. */
#define PHASEBOX_KEPT(interface, resource)                  \
    __attribute__((cleanup(phasebox_drop_##resource)))      \
    phasebox_train_##interface##_own_##resource##_t
#define PHASEBOX_DROP(interface, resource)                                                                  \
    static inline void phasebox_drop_##resource(phasebox_train_##interface##_own_##resource##_t *handle) {   \
        if (handle->__handle) phasebox_train_##interface##_##resource##_drop_own(*handle);                   \
        handle->__handle = 0;                                                                                \
    }
PHASEBOX_DROP(tensor, tensor)
PHASEBOX_DROP(tensor, tensor_group)
PHASEBOX_DROP(tensor, deferred)
PHASEBOX_DROP(context, model)
PHASEBOX_DROP(context, optimizer)
PHASEBOX_DROP(context, criterion)
PHASEBOX_DROP(context, data_loader)
PHASEBOX_DROP(context, metrics)
PHASEBOX_DROP(context, logger)
#undef PHASEBOX_DROP

/* Handles that wait until they are given back: few, since each holds its tensor until the call ends. */
#define PHASEBOX_WAITING 16
static struct {
    size_t tensors, groups;
    phasebox_train_tensor_own_tensor_t tensor[PHASEBOX_WAITING];
    phasebox_train_tensor_own_tensor_group_t group[PHASEBOX_WAITING];
} phasebox_waiting;

static inline void phasebox_release_if_full(void) {
    if (phasebox_waiting.tensors + phasebox_waiting.groups < PHASEBOX_WAITING) return;
    phasebox_train_context_list_own_tensor_t tensors = {phasebox_waiting.tensor, phasebox_waiting.tensors};
    phasebox_train_context_list_own_tensor_group_t groups = {phasebox_waiting.group, phasebox_waiting.groups};
    phasebox_train_context_release(&tensors, &groups);
    phasebox_waiting.tensors = phasebox_waiting.groups = 0;
}
static inline void phasebox_end_tensor(phasebox_train_tensor_own_tensor_t *handle) {
    if (handle->__handle) phasebox_waiting.tensor[phasebox_waiting.tensors++] = *handle;
    handle->__handle = 0;
    phasebox_release_if_full();
}
static inline void phasebox_end_tensor_group(phasebox_train_tensor_own_tensor_group_t *handle) {
    if (handle->__handle) phasebox_waiting.group[phasebox_waiting.groups++] = *handle;
    handle->__handle = 0;
    phasebox_release_if_full();
}
#define phasebox_end_deferred phasebox_drop_deferred
#define phasebox_end_model phasebox_drop_model
#define phasebox_end_optimizer phasebox_drop_optimizer
#define phasebox_end_criterion phasebox_drop_criterion
#define phasebox_end_data_loader phasebox_drop_data_loader
#define phasebox_end_metrics phasebox_drop_metrics
#define phasebox_end_logger phasebox_drop_logger

/* `PHASEBOX_LENT context = ctx;` gives the lent context back at the end of the scope. A phase that returns
 * without having given it back traps. */
static inline void phasebox_give_back(phasebox_context_t *context) {
    phasebox_train_context_phase_context_drop_borrow(*context);
}
#define PHASEBOX_LENT __attribute__((cleanup(phasebox_give_back))) phasebox_context_t


/* ---- a number on its way from the device, asked for in one call and taken in a later one: without a wait ---- */

typedef struct {
    phasebox_train_tensor_own_deferred_t pending;
    bool arrived;
    double value;
} phasebox_later_t;

static inline bool phasebox_later_poll(phasebox_later_t *later, phasebox_error_t *error) {
    if (!later->pending.__handle) return true;
    PHASEBOX_JOIN(PHASEBOX_WORLD, option_f64_t) value;
    phasebox_train_tensor_borrow_deferred_t pending = phasebox_train_tensor_borrow_deferred(later->pending);
    if (!phasebox_train_tensor_method_deferred_poll(pending, &value, error)) return false;
    if (!value.is_some) return true;
    phasebox_drop_deferred(&later->pending);
    later->arrived = true;
    later->value = value.val;
    return true;
}

/* Asks for the element of a tensor, unless a number is on its way. A value that this phase does not have, such as the loss
 * of a skipped batch, is no failure: `phasebox_later_ask(&loss, context, phasebox_train_context_method_phase_context_loss,
 * error)`. */
static inline bool phasebox_later_ask(phasebox_later_t *later, phasebox_context_t context,
                                      bool (*get)(phasebox_context_t, phasebox_train_tensor_own_tensor_t *, phasebox_error_t *),
                                      phasebox_error_t *error) {
    if (later->pending.__handle || later->arrived) return true;
    PHASEBOX_OWN(tensor, tensor) value = {0};
    if (!get(context, &value, error)) {
        if (error->code != PHASEBOX_TRAIN_TYPES_ERROR_CODE_NOT_AVAILABLE) return false;
        phasebox_train_types_error_free(error);
        return true;
    }
    return phasebox_train_tensor_method_tensor_defer(phasebox_train_tensor_borrow_tensor(value), &later->pending, error);
}

/* True once for each number, when it is here. An error of the host reads as "not here" and is in `error`, with false. */
static inline bool phasebox_later_take(phasebox_later_t *later, double *value, bool *is_here, phasebox_error_t *error) {
    *is_here = false;
    if (!phasebox_later_poll(later, error)) return false;
    *is_here = later->arrived;
    *value = later->value;
    later->arrived = false;
    return true;
}

/* ---- the callback as tables ---- */

typedef enum { PHASEBOX_DOUBLE, PHASEBOX_UINT32, PHASEBOX_INT32, PHASEBOX_BOOL, PHASEBOX_CHARS } phasebox_kind_t;
typedef struct { bool is; double value; } phasebox_bound_t;
#define PHASEBOX_BOUND(number) {true, number}

/* A parameter: the variable that has its default and gets its value, and the bounds of JSON Schema. */
typedef struct {
    const char *name;
    phasebox_kind_t kind;
    void *at;
    size_t size;
    const char *description;
    bool required;
    phasebox_bound_t minimum, maximum, exclusive_minimum, exclusive_maximum;
} phasebox_parameter_t;

#define PHASEBOX_KIND(variable)                                                                                \
    _Generic(&(variable), double *: PHASEBOX_DOUBLE, uint32_t *: PHASEBOX_UINT32, int32_t *: PHASEBOX_INT32,   \
             bool *: PHASEBOX_BOOL, default: PHASEBOX_CHARS)
/* Nothing but a true or false, so that the compiler shows the words alone. */
#define PHASEBOX_HAS_KIND(variable)                                                                            \
    _Generic(&(variable), double *: true, uint32_t *: true, int32_t *: true, bool *: true,                     \
             char (*)[sizeof(variable)]: true, default: false)
/* `PHASEBOX_PARAMETER(rate, "The …", .minimum = PHASEBOX_BOUND(0))` for a variable of one of the types above; a text is an
 * array of char, which bounds its length. Its value before the start is the default. */
#define PHASEBOX_PARAMETER(variable, words, ...)                                                               \
    {.name = #variable, .at = &variable, .size = sizeof variable, .description = words,                        \
     .kind = PHASEBOX_KIND(variable) + 0 * sizeof(struct {                                                     \
         static_assert(PHASEBOX_HAS_KIND(variable), "the parameter " #variable                                 \
                       " must be a double, uint32_t, int32_t, bool or array of char, without const");          \
         int it;                                                                                               \
     }),                                                                                                       \
     __VA_ARGS__}

typedef struct {
    const char *name, *version, *summary;
    const char *grants[17]; /* ended by a null */
    const phasebox_parameter_t *parameters;
    size_t parameter_count;
    /* A struct without pointers that checkpoints hold; and the numbers on their way within it. */
    void *state;
    size_t state_size;
    phasebox_later_t *laters[9]; /* ended by a null */
    /* Checks what bounds do not say. May be null. */
    bool (*configure)(phasebox_error_t *error);
} phasebox_callback_t;

/* A text that grows. */
typedef struct { char *at; size_t length, room; } phasebox_buffer_t;

__attribute__((format(printf, 2, 3)))
static inline void phasebox_append(phasebox_buffer_t *buffer, const char *format, ...) {
    va_list values;
    va_start(values, format);
    int length = vsnprintf(buffer->at + buffer->length, buffer->room - buffer->length, format, values);
    va_end(values);
    if (buffer->length + length + 1 > buffer->room) {
        buffer->room = 2 * (buffer->room + length + 1);
        buffer->at = realloc(buffer->at, buffer->room);
        PHASEBOX_CHECK(buffer->at != NULL);
        va_start(values, format);
        vsnprintf(buffer->at + buffer->length, buffer->room - buffer->length, format, values);
        va_end(values);
    }
    buffer->length += length;
}

static inline void phasebox_append_quoted(phasebox_buffer_t *buffer, const char *text) {
    phasebox_append(buffer, "\"");
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') phasebox_append(buffer, "\\%c", *text);
        else if ((unsigned char)*text < 0x20) phasebox_append(buffer, "\\u%04x", *text);
        else phasebox_append(buffer, "%c", *text);
    }
    phasebox_append(buffer, "\"");
}

/* The shortest text that reads as the same number. */
static inline void phasebox_append_number(phasebox_buffer_t *buffer, double value) {
    char text[32];
    bool whole = value == floor(value) && fabs(value) < 1e15;
    if (whole) snprintf(text, sizeof text, "%.0f", value);
    for (int digits = 1; !whole && digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) break;
    }
    phasebox_append(buffer, "%s", text);
}

static inline double phasebox_number_of(const phasebox_parameter_t *it) {
    switch (it->kind) {
        case PHASEBOX_DOUBLE: return *(double *)it->at;
        case PHASEBOX_UINT32: return *(uint32_t *)it->at;
        case PHASEBOX_INT32: return *(int32_t *)it->at;
        default: return *(bool *)it->at;
    }
}

static inline void phasebox_append_schema(phasebox_buffer_t *buffer, const phasebox_parameter_t *it) {
    bool ends = it->kind != PHASEBOX_CHARS || memchr(it->at, 0, it->size);
    if (!ends) phasebox_trap("the array of a text has no room for the zero byte at its end", it->name);
    static const char *const types[] = {"number", "integer", "integer", "boolean", "string"};
    phasebox_append(buffer, "{\"type\":\"%s\",\"description\":", types[it->kind]);
    phasebox_append_quoted(buffer, it->description);
    if (!it->required) phasebox_append(buffer, ",\"default\":");
    if (!it->required && it->kind == PHASEBOX_CHARS) phasebox_append_quoted(buffer, it->at);
    if (!it->required && it->kind == PHASEBOX_BOOL) phasebox_append(buffer, *(bool *)it->at ? "true" : "false");
    if (!it->required && it->kind <= PHASEBOX_INT32) phasebox_append_number(buffer, phasebox_number_of(it));
    phasebox_bound_t most = {it->kind == PHASEBOX_CHARS, (double)it->size - 1};
    struct { const char *name; phasebox_bound_t bound; } rules[] = {
        {"maxLength", most},
        {"minimum", it->minimum.is || it->kind != PHASEBOX_UINT32 ? it->minimum : (phasebox_bound_t)PHASEBOX_BOUND(0)},
        {"maximum", it->maximum}, {"exclusiveMinimum", it->exclusive_minimum}, {"exclusiveMaximum", it->exclusive_maximum}};
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (!rules[i].bound.is) continue;
        phasebox_append(buffer, ",\"%s\":", rules[i].name);
        phasebox_append_number(buffer, rules[i].bound.value);
    }
    phasebox_append(buffer, "}");
}

static inline void phasebox_describe(const phasebox_callback_t *it, phasebox_string_t *text) {
    phasebox_buffer_t made = {0};
    const char *words[][2] = {{"name", it->name}, {"version", it->version}, {"summary", it->summary}};
    for (size_t i = 0; i < 3; i++) {
        phasebox_append(&made, "%s\"%s\":", i ? "," : "{", words[i][0]);
        phasebox_append_quoted(&made, words[i][1] ? words[i][1] : "");
    }
    for (size_t i = 0; i == 0 || it->grants[i]; i++) {
        phasebox_append(&made, i ? "," : ",\"grants\":[");
        if (it->grants[i]) phasebox_append_quoted(&made, it->grants[i]);
        else break;
    }
    phasebox_append(&made, "],\"parameters\":{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{");
    for (size_t i = 0; i < it->parameter_count; i++) {
        phasebox_append(&made, "%s\"%s\":", i ? "," : "", it->parameters[i].name);
        phasebox_append_schema(&made, &it->parameters[i]);
    }
    phasebox_append(&made, "},\"required\":[");
    const char *comma = "";
    for (size_t i = 0; i < it->parameter_count; i++) {
        if (!it->parameters[i].required) continue;
        phasebox_append(&made, "%s\"%s\"", comma, it->parameters[i].name);
        comma = ",";
    }
    phasebox_append(&made, "]}}");
    *text = (phasebox_string_t){(uint8_t *)made.at, made.length};
}

/* What is not space, from `at` on; the text has an end mark, so this stops there at the latest. */
static inline const char *phasebox_next(const char *at) { return at + strspn(at, " \t\r\n"); }

static inline char *phasebox_put_utf8(char *to, unsigned point) {
    if (point < 0x80) return *to = (char)point, to + 1;
    int more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
    *to++ = (char)((0xf00 >> more & 0xff) | point >> 6 * more);
    while (more--) *to++ = (char)(0x80 | (point >> 6 * more & 0x3f));
    return to;
}

/* Reads a JSON text to `to`, of `room` bytes at most with its end mark. Gives where it ends, or null. */
static inline const char *phasebox_read_text(const char *at, char *to, size_t room) {
    char *end = to + room - 1, utf8[4];
    if (room < 1 || *at++ != '"') return NULL;
    while (*at != '"') {
        if (!*at || to == end) return NULL;
        if (*at != '\\') { *to++ = *at++; continue; }
        const char *escapes = "nrtbf", *found = strchr(escapes, *++at);
        unsigned point = found ? (unsigned char)"\n\r\t\b\f"[found - escapes] : (unsigned char)*at;
        if (!*at) return NULL;
        if (*at == 'u' && sscanf(at + 1, "%4x", &point) == 1) at += 4;
        unsigned low;
        if (point >> 10 == 0x36 && sscanf(at + 1, "\\u%4x", &low) == 1) point = 0x10000 + ((point & 0x3ff) << 10) + (low & 0x3ff), at += 6;
        size_t bytes = (size_t)(phasebox_put_utf8(utf8, point) - utf8);
        if (bytes > (size_t)(end - to)) return NULL;
        to = (char *)memcpy(to, utf8, bytes) + bytes;
        at++;
    }
    *to = 0;
    return at + 1;
}

static inline bool phasebox_is_inside(const phasebox_parameter_t *it, double value) {
    return (!it->minimum.is || value >= it->minimum.value) && (!it->maximum.is || value <= it->maximum.value) &&
           (!it->exclusive_minimum.is || value > it->exclusive_minimum.value) &&
           (!it->exclusive_maximum.is || value < it->exclusive_maximum.value);
}

/* Reads one value. Gives where it ends, or null where it does not fit. */
static inline const char *phasebox_read_value(const char *at, const phasebox_parameter_t *it) {
    if (it->kind == PHASEBOX_CHARS) {
        /* Read apart: the default stays where a text does not fit. */
        char *text = malloc(it->size);
        PHASEBOX_CHECK(text != NULL);
        at = phasebox_read_text(at, text, it->size);
        if (at) memcpy(it->at, text, it->size);
        free(text);
        return at;
    }
    if (it->kind == PHASEBOX_BOOL) {
        bool yes = strncmp(at, "true", 4) == 0, no = strncmp(at, "false", 5) == 0;
        *(bool *)it->at = yes;
        return yes ? at + 4 : no ? at + 5 : NULL;
    }
    char *end = (char *)at;
    double value = *at == '-' || (*at >= '0' && *at <= '9') ? strtod(at, &end) : NAN;
    double least = it->kind == PHASEBOX_UINT32 ? 0 : INT32_MIN, most = it->kind == PHASEBOX_UINT32 ? UINT32_MAX : INT32_MAX;
    bool fits = end != at && phasebox_is_inside(it, value);
    if (it->kind != PHASEBOX_DOUBLE) fits = fits && value == floor(value) && value >= least && value <= most;
    if (!fits) return NULL;
    if (it->kind == PHASEBOX_DOUBLE) *(double *)it->at = value;
    if (it->kind == PHASEBOX_UINT32) *(uint32_t *)it->at = (uint32_t)value;
    if (it->kind == PHASEBOX_INT32) *(int32_t *)it->at = (int32_t)value;
    return end;
}

#define PHASEBOX_INVALID PHASEBOX_TRAIN_TYPES_ERROR_CODE_INVALID_ARGUMENT

static inline bool phasebox_refuse_value(const phasebox_parameter_t *it, phasebox_error_t *error) {
    phasebox_buffer_t schema = {0};
    phasebox_append_schema(&schema, it);
    if (it->kind == PHASEBOX_CHARS) phasebox_append(&schema, ", in at most %zu bytes of UTF-8", it->size - 1);
    phasebox_fail(error, PHASEBOX_INVALID, "parameter \"%s\" must fit %s", it->name, schema.at);
    free(schema.at);
    return false;
}

static inline bool phasebox_refuse_name(const phasebox_callback_t *it, const char *name, phasebox_error_t *error) {
    phasebox_buffer_t known = {0};
    phasebox_append(&known, "%s", it->parameter_count ? "" : "none");
    for (size_t i = 0; i < it->parameter_count; i++) phasebox_append(&known, "%s%s", i ? ", " : "", it->parameters[i].name);
    phasebox_fail(error, PHASEBOX_INVALID, "unknown parameter \"%s\"; known are %s", name, known.at);
    free(known.at);
    return false;
}

/* Reads `{"key": value, …}`. */
static inline bool phasebox_read_params(const phasebox_callback_t *it, const char *at, phasebox_error_t *error) {
    char name[256];
    uint64_t given = 0;
    at = phasebox_next(at);
    if (*at++ != '{') return phasebox_fail(error, PHASEBOX_INVALID, "params is not a JSON object");
    while (*(at = phasebox_next(at)) != '}') {
        at = phasebox_read_text(at, name, sizeof name);
        at = at ? phasebox_next(at) : NULL;
        if (!at || *at != ':') return phasebox_fail(error, PHASEBOX_INVALID, "params is not a JSON object");
        size_t i = 0;
        while (i < it->parameter_count && strcmp(it->parameters[i].name, name) != 0) i++;
        if (i == it->parameter_count) return phasebox_refuse_name(it, name, error);
        at = phasebox_read_value(phasebox_next(at + 1), &it->parameters[i]);
        if (!at) return phasebox_refuse_value(&it->parameters[i], error);
        given |= (uint64_t)1 << (i & 63);
        at = phasebox_next(at);
        if (*at == ',') at++;
    }
    for (size_t i = 0; i < it->parameter_count; i++) {
        if (it->parameters[i].required && !(given >> (i & 63) & 1))
            return phasebox_fail(error, PHASEBOX_INVALID, "parameter \"%s\" is missing: it has no default", it->parameters[i].name);
    }
    return true;
}

/* Lines reach the log when they end, if the callback prints at all: without a use, `stdout` is not linked. */
#undef stdout
extern FILE *const stdout __attribute__((weak));
static inline void phasebox_print_by_line(void) {
    if (&stdout) setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
}

static inline bool phasebox_configure(const phasebox_callback_t *it, phasebox_string_t *params, phasebox_error_t *error) {
    phasebox_print_by_line();
    char *text = strndup((char *)params->ptr, params->len);
    PHASEBOX_CHECK(text != NULL);
    bool done = phasebox_read_params(it, text, error) && (!it->configure || it->configure(error));
    free(text);
    free(params->ptr);
    return done;
}

/* The state as bytes: its version, then the struct, without the handles of what is on its way. */
static inline bool phasebox_save(const phasebox_callback_t *it, uint8_t **bytes, size_t *length, phasebox_error_t *error) {
    for (size_t i = 0; it->laters[i]; i++) {
        if (!phasebox_later_poll(it->laters[i], error)) return false;
    }
    *length = 1 + it->state_size;
    *bytes = malloc(*length);
    PHASEBOX_CHECK(*bytes != NULL);
    **bytes = 1;
    memcpy(*bytes + 1, it->state, it->state_size);
    for (size_t i = 0; it->laters[i]; i++) {
        size_t place = (char *)&it->laters[i]->pending - (char *)it->state;
        PHASEBOX_CHECK(place < it->state_size);
        memset(*bytes + 1 + place, 0, sizeof it->laters[i]->pending);
    }
    return true;
}

static inline bool phasebox_load(const phasebox_callback_t *it, uint8_t *bytes, size_t length, phasebox_error_t *error) {
    bool known = length == 1 + it->state_size && bytes[0] == 1;
    if (known) memcpy(it->state, bytes + 1, it->state_size);
    free(bytes);
    return known || phasebox_fail(error, PHASEBOX_INVALID, "the state is not %zu bytes of version 1", 1 + it->state_size);
}

/* Exports the functions of the life cycle for a world of the package `local:plugin`: once, in one file.
 * `PHASEBOX_CALLBACK(.name = "clip", .grants = {"gradients"}, …)` has the fields of phasebox_callback_t. */
#define PHASEBOX_CALLBACK(...)                                                                                         \
    static const phasebox_callback_t phasebox_callback = {__VA_ARGS__};                                                \
    void exports_local_plugin_callback_describe(phasebox_string_t *text) { phasebox_describe(&phasebox_callback, text); } \
    bool exports_local_plugin_callback_configure(phasebox_string_t *params, phasebox_error_t *error) {                 \
        return phasebox_configure(&phasebox_callback, params, error);                                                  \
    }                                                                                                                  \
    bool exports_local_plugin_callback_save_state(PHASEBOX_JOIN(PHASEBOX_WORLD, list_u8_t) *saved, phasebox_error_t *error) { \
        return phasebox_save(&phasebox_callback, &saved->ptr, &saved->len, error);                                     \
    }                                                                                                                  \
    bool exports_local_plugin_callback_load_state(PHASEBOX_JOIN(PHASEBOX_WORLD, list_u8_t) *saved, phasebox_error_t *error) { \
        return phasebox_load(&phasebox_callback, saved->ptr, saved->len, error);                                       \
    }

/* `PHASEBOX_PHASE(on_train_batch_end) { … return true; }` is called at that phase with `context` and `error`. The lent
 * context is given back. Compile with -Werror=missing-prototypes: a phase that the world lacks does not compile then. */
#define PHASEBOX_PHASE(phase)                                                                                          \
    static bool phase(phasebox_context_t context, phasebox_error_t *error);                                            \
    _Pragma("clang diagnostic push") _Pragma("clang diagnostic error \"-Wmissing-prototypes\"")                        \
    bool exports_local_plugin_callback_##phase(phasebox_context_t lent, phasebox_error_t *error) {                     \
        PHASEBOX_LENT context = lent;                                                                                  \
        return phase(context, error);                                                                                  \
    }                                                                                                                  \
    _Pragma("clang diagnostic pop")                                                                                                                  \
    static bool phase(__attribute__((unused)) phasebox_context_t context, __attribute__((unused)) phasebox_error_t *error)

/* Short ways. */
static inline bool phasebox_log_scalar(phasebox_context_t context, const char *name, double value, phasebox_error_t *error) {
    phasebox_string_t text = phasebox_text(name);
    return phasebox_train_context_method_phase_context_log_scalar(context, &text, value, error);
}
/* `at` is "batch", "step" or "epoch". */
static inline bool phasebox_request_stop(phasebox_context_t context, const char *at, const char *reason, phasebox_error_t *error) {
    phasebox_string_t when = phasebox_text(at), why = phasebox_text(reason);
    return phasebox_train_context_method_phase_context_request_stop(context, &when, &why, error);
}
/* Writes one line to the run's log. */
static inline void phasebox_info(const char *line) {
    phasebox_string_t text = phasebox_text(line);
    phasebox_train_diagnostics_log(PHASEBOX_TRAIN_TYPES_LEVEL_INFO, &text);
}

#endif
