#define _XOPEN_SOURCE 700
#include "removal.h"

#include "job.h"
#include "log.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLDERS_OPEN 32

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    (void)remove(path); /* what is left makes its folder stay, and is told of below */
    return 0;
}

static int work(void *argument, char *why)
{
    (void)why;
    if (nftw(argument, remove_one, FOLDERS_OPEN, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) != 0)
        return errno;
    return remove(argument) == 0 || errno == ENOENT ? 0 : errno;
}

static void done(void *argument, int error, const char *why)
{
    (void)why;
    if (error)
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
