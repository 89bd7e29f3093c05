#include "task.h"

#include "changes.h"
#include "fetch.h"
#include "pack.h"
#include "unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MESSAGE_SIZE 1024

static _Noreturn void say(enum task_end code, int error, const char *format, va_list arguments)
{
    char text[MESSAGE_SIZE];
    int length = vsnprintf(text, sizeof text, format, arguments);
    if (error && length >= 0 && (size_t)length < sizeof text)
        (void)snprintf(text + length, sizeof text - (size_t)length, ": %s", strerror(error));
    (void)!write(STDERR_FILENO, text, strlen(text));
    _exit(code);
}

static enum task_end code_of(int error)
{
    switch (error) {
    case ENOENT: return TASK_NOT_FOUND;
    case ENOTDIR: case EISDIR: case EEXIST: case ELOOP: case ENAMETOOLONG: case ENOTEMPTY: return TASK_BAD_PATH;
    case EROFS: return TASK_READ_ONLY;
    case ENOSPC: case EDQUOT: return TASK_FULL;
    default: return TASK_FAILED;
    }
}

void task_fail(int error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(code_of(error), error, format, arguments);
}

void task_end(enum task_end code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(code, 0, format, arguments);
}

void task_write(const void *bytes, size_t length)
{
    for (const uint8_t *at = bytes; length > 0;) {
        ssize_t written = write(STDOUT_FILENO, at, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            task_fail(errno, "what was read cannot be sent");
        at += written;
        length -= (size_t)written;
    }
}

int task_folder(const char *path)
{
    /* The process's root is the container's: nothing leads out of it, whatever symlinks say and whoever changes them meanwhile. */
    struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC, .resolve = RESOLVE_NO_MAGICLINKS};
    int fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);
    if (fd < 0)
        task_fail(errno, "%s", path);
    return fd;
}

static const char *argument(const struct request *request, size_t at)
{
    if (at >= request->argument_count)
        task_end(TASK_FAILED, "the task lacks an argument");
    return request->arguments[at];
}

void task_run(const struct launch *launch)
{
    const struct request *request = launch->request;
    struct rlimit files = {.rlim_cur = TASK_DEPTH_MAX + 64, .rlim_max = TASK_DEPTH_MAX + 64};
    (void)close(launch->report); /* it has begun */
    (void)umask(0);
    if (setrlimit(RLIMIT_NOFILE, &files) != 0)
        task_fail(errno, "limits");
    switch (request->task) {
    case TASK_STAT: pack_stat(argument(request, 0), argument(request, 1)); break;
    case TASK_PACK: pack(argument(request, 0), argument(request, 1), argument(request, 2), *argument(request, 3) == '1'); break;
    case TASK_UNPACK: unpack(argument(request, 0), *argument(request, 1) == '1', *argument(request, 2) == '1'); break;
    case TASK_FETCH: fetch(argument(request, 0), argument(request, 1)); break;
    case TASK_CHANGES: changes(argument(request, 0)); break;
    default: task_end(TASK_FAILED, "there is no such task");
    }
    _exit(TASK_DONE);
}
