#include "remove.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DEPTH_MAX 900

/* Not what is mounted there: its files are others'. */
static int open_folder(int parent, const char *name)
{
    struct open_how how = {.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, .resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS};
    return (int)syscall(SYS_openat2, parent, name, &how, sizeof how);
}

static int remove_folder(int parent, const char *name, int depth)
{
    int fd = depth > DEPTH_MAX ? -1 : open_folder(parent, name);
    if (fd < 0)
        return depth > DEPTH_MAX ? ELOOP : errno == EXDEV ? EBUSY : errno;
    DIR *folder = fdopendir(fd);
    int error = folder ? 0 : errno;
    if (!folder)
        (void)close(fd);
    while (folder && error == 0) {
        errno = 0;
        const struct dirent *entry = readdir(folder);
        if (!entry) {
            error = errno;
            break;
        }
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 || unlinkat(dirfd(folder), entry->d_name, 0) == 0)
            continue;
        error = errno == EISDIR ? remove_folder(dirfd(folder), entry->d_name, depth + 1) : errno;
    }
    if (folder)
        (void)closedir(folder);
    return error ? error : unlinkat(parent, name, AT_REMOVEDIR) == 0 ? 0 : errno;
}

int remove_tree(int parent, const char *name)
{
    return remove_folder(parent, name, 0);
}
