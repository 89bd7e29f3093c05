#include "mounts.h"

#include "files.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOUNTINFO_MAX (1U << 20)

bool mounts_have(const char *path)
{
    char point[160];
    char *all = file_text("/proc/self/mountinfo", MOUNTINFO_MAX);
    /* The root within its file system stands before it, and is none of our paths. */
    bool found = all && (size_t)snprintf(point, sizeof point, " %s ", path) < sizeof point && strstr(all, point);
    free(all);
    return found;
}

int mounts_add(const char *source, const char *path, const char *type, unsigned long flags, const char *options)
{
    char folder[160];
    if ((size_t)snprintf(folder, sizeof folder, "%s", path) >= sizeof folder)
        return ENAMETOOLONG;
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return errno;
    int lock = open(dirname(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (lock < 0)
        return errno;
    int error = flock(lock, LOCK_EX) != 0 ? errno : 0;
    if (error == 0 && !mounts_have(path) && mount(source, path, type, flags, options) != 0)
        error = errno;
    (void)close(lock);
    return error;
}

static void write_back(const char *path)
{
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return;
    (void)syncfs(folder);
    (void)close(folder);
}

int mounts_remove(const char *path, const char *serial)
{
    if (!mounts_have(path))
        return 0;
    write_back(path); /* to unmount it is not enough where a process that cannot be ended has it mounted in its own namespace */
    if (umount2(path, 0) == 0)
        return 0;
    int error = errno;
    log_line("cannot unmount disk %s: %s", serial, strerror(error));
    return error;
}
