/* Counts what every process of a run does to files, and kills at one of them: LD_PRELOAD of tests/kills.py.

Seen are all calls through the C library: Python's, libgit2's, SQLite's, git's and the shell's. Each appends one record
to a file; its place in it is the number of the operation, over all processes. Before number KILLS_AT the process dies
as by `kill -9`, in every other case of a write after half of its bytes. With KILLS_ALL, whoever does anything later
dies too: on the disk it looks like a power cut. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define RECORD 192

/* The number of this operation if the process is to die now, else 0. `path` NULL: of the open file `at`. */
static long due(const char *what, int at, const char *path)
{
    const char *root = getenv("KILLS_ROOT"), *file = getenv("KILLS_LOG"), *when = getenv("KILLS_AT");
    if (!root || !file || !when)
        return 0;
    int error = errno;
    char full[2 * PATH_MAX] = "", link[64], record[RECORD + 1];
    size_t used = 0;
    long number = 0;
    if (!path || path[0] != '/') {
        if (path && at == AT_FDCWD)
            strcpy(link, "/proc/self/cwd");
        else
            snprintf(link, sizeof link, "/proc/self/fd/%d", at);
        ssize_t length = readlink(link, full, PATH_MAX - 1);
        if (length > 0)
            full[used = (size_t)length] = 0;
        if (path && used)
            full[used++] = '/';
    }
    if (path)
        snprintf(full + used, sizeof full - used, "%s", path);
    size_t length = strlen(root);
    if (strncmp(full, root, length) || strstr(full, "/__pycache__")) {
        errno = error;
        return 0;
    }
    const char *short_name = full + length;
    if (strlen(short_name) > RECORD - 40)
        short_name += strlen(short_name) - (RECORD - 40);
    snprintf(record, sizeof record, "%7ld %-10.10s %-172.172s\n", (long)getpid(), what, short_name);
    record[RECORD - 1] = '\n';
    int log = (int)syscall(SYS_openat, AT_FDCWD, file, O_WRONLY | O_APPEND | O_CLOEXEC, 0);
    if (log >= 0) {
        if (syscall(SYS_write, log, record, RECORD) == RECORD)
            number = syscall(SYS_lseek, log, 0, SEEK_CUR) / RECORD;
        syscall(SYS_close, log);
    }
    errno = error;
    long last = atol(when);
    return last && (getenv("KILLS_ALL") ? number >= last : number == last) ? number : 0;
}

static void die(void)
{
    syscall(SYS_kill, getpid(), SIGKILL);
    for (;;)
        pause();
}

static void reached(const char *what, int at, const char *path)
{
    if (due(what, at, path))
        die();
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define WRITES(flags) ((flags) & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC))
#define MODE(flags, mode)                                  \
    mode_t mode = 0;                                       \
    if ((flags) & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))) { \
        va_list more;                                      \
        va_start(more, flags);                             \
        mode = va_arg(more, mode_t);                       \
        va_end(more);                                      \
    }

#define OPEN(name)                             \
    int name(const char *path, int flags, ...) \
    {                                          \
        MODE(flags, mode)                      \
        if (WRITES(flags))                     \
            reached("open", AT_FDCWD, path);   \
        return NEXT(name)(path, flags, mode);  \
    }
#define OPENAT(name)                                   \
    int name(int at, const char *path, int flags, ...) \
    {                                                  \
        MODE(flags, mode)                              \
        if (WRITES(flags))                             \
            reached("open", at, path);                 \
        return NEXT(name)(at, path, flags, mode);      \
    }
#define FOPEN(name)                                \
    FILE *name(const char *path, const char *mode) \
    {                                              \
        if (mode[0] != 'r' || strchr(mode, '+'))   \
            reached("open", AT_FDCWD, path);       \
        return NEXT(name)(path, mode);             \
    }
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)
FOPEN(fopen)
FOPEN(fopen64)

/* result name(declared), an operation on `path` below the folder `at`, passed on with `given` */
#define CALL(result, name, declared, given, at, path) \
    result name declared                              \
    {                                                 \
        reached(#name, at, path);                     \
        return NEXT(name) given;                      \
    }
CALL(int, rename, (const char *old, const char *new), (old, new), AT_FDCWD, new)
CALL(int, renameat, (int a, const char *old, int b, const char *new), (a, old, b, new), b, new)
CALL(int, renameat2, (int a, const char *old, int b, const char *new, unsigned f), (a, old, b, new, f), b, new)
CALL(int, unlink, (const char *path), (path), AT_FDCWD, path)
CALL(int, unlinkat, (int a, const char *path, int f), (a, path, f), a, path)
CALL(int, remove, (const char *path), (path), AT_FDCWD, path)
CALL(int, mkdir, (const char *path, mode_t m), (path, m), AT_FDCWD, path)
CALL(int, mkdirat, (int a, const char *path, mode_t m), (a, path, m), a, path)
CALL(int, rmdir, (const char *path), (path), AT_FDCWD, path)
CALL(int, link, (const char *old, const char *new), (old, new), AT_FDCWD, new)
CALL(int, linkat, (int a, const char *old, int b, const char *new, int f), (a, old, b, new, f), b, new)
CALL(int, symlink, (const char *old, const char *new), (old, new), AT_FDCWD, new)
CALL(int, symlinkat, (const char *old, int a, const char *new), (old, a, new), a, new)
CALL(int, chmod, (const char *path, mode_t m), (path, m), AT_FDCWD, path)
CALL(int, truncate, (const char *path, off_t n), (path, n), AT_FDCWD, path)
CALL(int, truncate64, (const char *path, off64_t n), (path, n), AT_FDCWD, path)
CALL(int, ftruncate, (int file, off_t n), (file, n), file, NULL)
CALL(int, ftruncate64, (int file, off64_t n), (file, n), file, NULL)
CALL(ssize_t, sendfile, (int out, int in, off_t *o, size_t n), (out, in, o, n), out, NULL)
CALL(ssize_t, sendfile64, (int out, int in, off64_t *o, size_t n), (out, in, o, n), out, NULL)
CALL(ssize_t, copy_file_range, (int in, off64_t *i, int out, off64_t *o, size_t n, unsigned f), (in, i, out, o, n, f), out, NULL)
CALL(ssize_t, writev, (int file, const struct iovec *v, int n), (file, v, n), file, NULL)

/* The first half of every other write reaches the disk. */
#define WRITE(name, declared, half, whole) \
    ssize_t name declared                  \
    {                                      \
        long number = due(#name, file, NULL); \
        if (number) {                      \
            if (number % 2 && size > 1)    \
                NEXT(name) half;           \
            die();                         \
        }                                  \
        return NEXT(name) whole;           \
    }
WRITE(write, (int file, const void *data, size_t size), (file, data, size / 2), (file, data, size))
WRITE(pwrite, (int file, const void *data, size_t size, off_t at), (file, data, size / 2, at), (file, data, size, at))
WRITE(pwrite64, (int file, const void *data, size_t size, off64_t at), (file, data, size / 2, at), (file, data, size, at))
