/* Fails the n-th change of files below a folder, for tests of what a broken disk leaves. Preloaded into a process, it stands
 * before the C library's functions that change files; all others go to the kernel untouched.
 *
 * FAULT_BELOW  a part of the path of each file that counts
 * FAULT_AT     the change that fails, from 1; none if 0
 * FAULT_ERRNO  the error that it fails with
 * FAULT_LASTS  if set, all later changes fail, too, as on a full disk
 * FAULT_LOG    a file that gets a line for each change: its number, the function, the path
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(name) ((typeof(&name))dlsym(RTLD_NEXT, #name))

static long number(const char *name) {
    const char *text = getenv(name);
    return text ? atol(text) : 0;
}

static void note(long count, const char *function, const char *path) {
    const char *log = getenv("FAULT_LOG");
    char line[PATH_MAX + 64];
    if (!log) return;
    int length = snprintf(line, sizeof line, "%ld %s %s\n", count, function, path);
    int fd = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    syscall(SYS_write, fd, line, (size_t)length);
    syscall(SYS_close, fd);
}

/* True if this change is one that fails; errno says how. */
static int fails(const char *function, const char *path) {
    static long count;
    const char *below = getenv("FAULT_BELOW");
    if (!path || !below || !strstr(path, below)) return 0;
    long now = __atomic_add_fetch(&count, 1, __ATOMIC_SEQ_CST), at = number("FAULT_AT");
    note(now, function, path);
    if (at == 0 || now < at || (now > at && !getenv("FAULT_LASTS"))) return 0;
    errno = number("FAULT_ERRNO");
    return 1;
}

static int fails_at(const char *function, int fd) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return fails(function, path);
}

/* Opening to read changes nothing. */
static int open_fails(const char *path, int flags) {
    return (flags & (O_WRONLY | O_RDWR | O_CREAT)) && fails("open", path);
}

#define OPEN(name)                                                   \
    int name(const char *path, int flags, ...) {                     \
        va_list rest;                                                \
        va_start(rest, flags);                                       \
        mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;    \
        va_end(rest);                                                \
        return open_fails(path, flags) ? -1 : REAL(name)(path, flags, mode); \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                 \
    int name(int folder, const char *path, int flags, ...) {         \
        va_list rest;                                                \
        va_start(rest, flags);                                       \
        mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;    \
        va_end(rest);                                                \
        return open_fails(path, flags) ? -1 : REAL(name)(folder, path, flags, mode); \
    }
OPENAT(openat)
OPENAT(openat64)

ssize_t write(int fd, const void *bytes, size_t length) {
    return fails_at("write", fd) ? -1 : REAL(write)(fd, bytes, length);
}

ssize_t writev(int fd, const struct iovec *pieces, int count) {
    return fails_at("writev", fd) ? -1 : REAL(writev)(fd, pieces, count);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t at) {
    return fails_at("pwrite", fd) ? -1 : REAL(pwrite64)(fd, bytes, length, at);
}

int ftruncate64(int fd, off64_t length) {
    return fails_at("ftruncate", fd) ? -1 : REAL(ftruncate64)(fd, length);
}

int fsync(int fd) { return fails_at("fsync", fd) ? -1 : REAL(fsync)(fd); }

int fdatasync(int fd) { return fails_at("fdatasync", fd) ? -1 : REAL(fdatasync)(fd); }

int rename(const char *from, const char *to) {
    return fails("rename", to) ? -1 : REAL(rename)(from, to);
}

int mkdir(const char *path, mode_t mode) {
    return fails("mkdir", path) ? -1 : REAL(mkdir)(path, mode);
}

int symlink(const char *target, const char *path) {
    return fails("symlink", path) ? -1 : REAL(symlink)(target, path);
}

int unlink(const char *path) { return fails("unlink", path) ? -1 : REAL(unlink)(path); }

int rmdir(const char *path) { return fails("rmdir", path) ? -1 : REAL(rmdir)(path); }
