/* The probe in C with wasi-libc: printf, assert and files make it import WASI preview 1. */

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "probe.h"

static char deed[16] = "print";

bool exports_phasebox_probe_callback_configure(probe_string_t *params, exports_phasebox_probe_callback_error_t *error) {
    (void)error;
    const char *named = memmem(params->ptr, params->len, "\"do\":\"", 6);
    if (named) {
        size_t length = strcspn(named + 6, "\"");
        memcpy(deed, named + 6, length < sizeof deed ? length : sizeof deed - 1);
        deed[length < sizeof deed ? length : sizeof deed - 1] = 0;
    }
    probe_string_free(params);
    return true;
}

static void report(const char *what, int failed) {
    printf("%s: %s\n", what, failed ? strerror(errno) : "done");
}

static void look_at_clocks(void) {
    struct timespec day = {.tv_sec = 3600};
    time_t now = time(NULL);
    report("sleep", nanosleep(&day, NULL));
    printf("year %d, slept %ld s\n", 1900 + gmtime(&now)->tm_year, (long)(time(NULL) - now));
}

bool exports_phasebox_probe_callback_on_train_batch_end(
    exports_phasebox_probe_callback_borrow_phase_context_t context, exports_phasebox_probe_callback_error_t *error) {
    (void)error;
    phasebox_train_context_phase_context_drop_borrow(context);
    char bytes[8] = {0};
    if (!strcmp(deed, "print")) puts("printed, é");
    if (!strcmp(deed, "prompt")) printf("unfinished"), fflush(stdout);
    if (!strcmp(deed, "log")) fputs("logged\n", stderr);
    if (!strcmp(deed, "raise")) assert(!"my own message");
    if (!strcmp(deed, "exit")) exit(3);
    if (!strcmp(deed, "open")) report("open", !fopen("/etc/passwd", "r"));
    if (!strcmp(deed, "environment")) printf("%s\n", getenv("HOME") ? "a home" : "no variables");
    if (!strcmp(deed, "input")) report("input", getchar() != EOF);
    if (!strcmp(deed, "clocks")) look_at_clocks();
    if (!strcmp(deed, "random")) report("random", getentropy(bytes, sizeof bytes));
    if (bytes[0] || bytes[1]) printf("%02x%02x\n", (unsigned char)bytes[0], (unsigned char)bytes[1]);
    return true;
}
