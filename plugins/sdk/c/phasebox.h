/* Short forms for callbacks written in C: handles that drop themselves at the end of their scope, errors in one
 * line, failures that are reported before the trap. Knows the contract, not the callback.
 *
 * First include the header that wit-bindgen generated from your world. If the world is not called `plugin`,
 * define PHASEBOX_WORLD as its name before including this. Needs clang or gcc (attribute `cleanup`). */
#ifndef PHASEBOX_H
#define PHASEBOX_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
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

#endif
