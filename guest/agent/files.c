#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static char *read_all(int fd, size_t most, size_t *read_length)
{
    size_t capacity = most < 4096 ? most : 4096, length = 0;
    char *text = malloc(capacity + 1);
    while (text) {
        ssize_t part = read(fd, text + length, capacity - length);
        if (part == 0)
            break;
        if (part < 0 && errno == EINTR)
            continue;
        if (part > 0)
            length += (size_t)part;
        char *larger = text;
        if (part > 0 && length == capacity && capacity < most)
            larger = realloc(text, (capacity *= 2) + 1);
        if (part < 0 || !larger || length >= most) {
            free(text);
            return NULL;
        }
        text = larger;
    }
    if (text)
        text[length] = 0;
    *read_length = length;
    return text;
}

char *file_bytes(const char *path, size_t most, size_t *length)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return NULL;
    char *bytes = read_all(fd, most, length);
    (void)close(fd);
    return bytes;
}

char *file_text(const char *path, size_t most)
{
    size_t length;
    return file_bytes(path, most, &length);
}

int file_write(const char *path, const void *bytes, size_t length)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    ssize_t written = write(fd, bytes, length);
    int error = written < 0 ? errno : (size_t)written == length ? 0 : EIO;
    (void)close(fd);
    return error;
}

int file_write_text(const char *path, const char *text)
{
    return file_write(path, text, strlen(text));
}

int file_resolve(int root, const char *path)
{
    struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
    return (int)syscall(SYS_openat2, root, path, &how, sizeof how);
}

static int make(int folder, const char *name, bool is_folder)
{
    if (is_folder)
        return mkdirat(folder, name, 0755);
    int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0)
        return -1;
    return close(fd);
}

int file_resolve_or_make(int root, const char *path, bool folder)
{
    char prefix[PATH_MAX];
    int parent = fcntl(root, F_DUPFD_CLOEXEC, 3);
    size_t at = 0;
    while (parent >= 0) {
        at += strspn(path + at, "/");
        if (!path[at])
            return parent;
        size_t name = at;
        at += strcspn(path + at, "/");
        bool last = path[at + strspn(path + at, "/")] == 0;
        if ((size_t)snprintf(prefix, sizeof prefix, "/%.*s", (int)at, path) >= sizeof prefix) {
            (void)close(parent);
            errno = ENAMETOOLONG;
            return -1;
        }
        int child = file_resolve(root, prefix);
        if (child < 0 && errno == ENOENT) {
            const char *part = prefix + 1 + name;
            if (make(parent, part, folder || !last) == 0 || errno == EEXIST)
                child = file_resolve(root, prefix);
        }
        int error = errno;
        (void)close(parent);
        errno = error;
        parent = child;
    }
    return parent;
}
