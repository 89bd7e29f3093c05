#include "removal.h"

#include "job.h"
#include "log.h"
#include "remove.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int work(void *argument, char *why)
{
    const char *path = argument, *name = strrchr(path, '/') + 1;
    char parent[256];
    (void)why;
    memcpy(parent, path, (size_t)(name - path));
    parent[name - path] = 0;
    int fd = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? errno : remove_tree(fd, name);
}

static void done(void *argument, int error, const char *why)
{
    (void)why;
    if (error && error != ENOENT)
        log_line("cannot remove all of %s: %s", (const char *)argument, strerror(error));
    free(argument);
}

void removal_start(const char *path)
{
    char *copy = strdup(path);
    int error = copy ? job_start(work, done, copy) : ENOMEM;
    if (error) {
        log_line("cannot remove %s: %s", path, strerror(error));
        free(copy);
    }
}
