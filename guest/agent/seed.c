#include "seed.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define DEPTH_MAX 200
#define XATTR_MAX 65536
#define CHUNK (1U << 20)

static int copy_folder(int source, int target, int depth);

/* Attributes of any kind of entry are reached by name through /proc, for a symlink has no descriptor to ask. */
static void entry_path(int folder, const char *name, char path[PATH_MAX])
{
    (void)snprintf(path, PATH_MAX, "/proc/self/fd/%d/%s", folder, name);
}

static int copy_xattrs(int source, int target, const char *name)
{
    static char names[XATTR_MAX], value[XATTR_MAX];
    char from[PATH_MAX], to[PATH_MAX];
    entry_path(source, name, from);
    entry_path(target, name, to);
    ssize_t length = llistxattr(from, names, sizeof names);
    if (length < 0)
        return errno == ENOTSUP ? 0 : errno;
    for (const char *at = names; at < names + length; at += strlen(at) + 1) {
        ssize_t size = lgetxattr(from, at, value, sizeof value);
        if (size < 0 || lsetxattr(to, at, value, (size_t)size, 0) != 0) {
            if (errno != ENOTSUP && errno != ENODATA)
                return errno;
        }
    }
    return 0;
}

static int copy_attributes(int source, int target, const char *name, const struct stat *status)
{
    struct timespec times[2] = {status->st_atim, status->st_mtim};
    if (fchownat(target, name, status->st_uid, status->st_gid, AT_SYMLINK_NOFOLLOW) != 0)
        return errno;
    /* After chown, which clears set-id bits and capabilities. */
    if (!S_ISLNK(status->st_mode) && fchmodat(target, name, status->st_mode & 07777, 0) != 0)
        return errno;
    int error = copy_xattrs(source, target, name);
    if (error == 0 && utimensat(target, name, times, AT_SYMLINK_NOFOLLOW) != 0)
        error = errno;
    return error;
}

static int copy_bytes(int from, int to)
{
    ssize_t length;
    do
        length = copy_file_range(from, NULL, to, NULL, CHUNK, 0);
    while (length > 0);
    if (length == 0 || (errno != EXDEV && errno != EINVAL && errno != EOPNOTSUPP))
        return length == 0 ? 0 : errno;
    static char bytes[65536];
    while ((length = read(from, bytes, sizeof bytes)) > 0)
        if (write(to, bytes, (size_t)length) != length)
            return errno ? errno : EIO;
    return length < 0 ? errno : 0;
}

static int copy_file(int source, int target, const char *name)
{
    int from = openat(source, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (from < 0)
        return errno;
    int to = openat(target, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    int error = to < 0 ? errno : copy_bytes(from, to);
    (void)close(from);
    if (to >= 0)
        (void)close(to);
    return error;
}

static int copy_link(int source, int target, const char *name)
{
    char text[PATH_MAX];
    ssize_t length = readlinkat(source, name, text, sizeof text - 1);
    if (length < 0)
        return errno;
    text[length] = 0;
    return symlinkat(text, target, name) == 0 ? 0 : errno;
}

static int copy_subfolder(int source, int target, const char *name, int depth)
{
    if (mkdirat(target, name, 0700) != 0 && errno != EEXIST)
        return errno;
    int from = openat(source, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (from < 0)
        return errno;
    int to = openat(target, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int error = to < 0 ? errno : copy_folder(from, to, depth + 1); /* closes both */
    if (to < 0)
        (void)close(from);
    return error;
}

static int copy_entry(int source, int target, const char *name, int depth)
{
    struct stat status;
    int error = 0;
    if (fstatat(source, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return errno;
    switch (status.st_mode & S_IFMT) {
    case S_IFDIR: error = copy_subfolder(source, target, name, depth); break;
    case S_IFREG: error = copy_file(source, target, name); break;
    case S_IFLNK: error = copy_link(source, target, name); break;
    case S_IFSOCK: return 0;
    default: error = mknodat(target, name, status.st_mode, status.st_rdev) == 0 ? 0 : errno;
    }
    return error ? error : copy_attributes(source, target, name, &status);
}

/* Closes both. */
static int copy_folder(int source, int target, int depth)
{
    int error = depth > DEPTH_MAX ? ELOOP : 0;
    DIR *folder = fdopendir(source);
    if (!folder) {
        error = errno;
        (void)close(source);
        (void)close(target);
        return error;
    }
    while (error == 0) {
        errno = 0;
        const struct dirent *entry = readdir(folder);
        if (!entry) {
            error = errno;
            break;
        }
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            error = copy_entry(dirfd(folder), target, entry->d_name, depth);
    }
    (void)closedir(folder);
    (void)close(target);
    return error;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path) == 0 ? 0 : errno;
}

int seed_begin(const char *target)
{
    if (mkdir(target, 0755) == 0)
        return 0;
    int error = errno == EEXIST ? nftw(target, remove_entry, DEPTH_MAX + 3, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) : errno;
    if (error)
        return error < 0 ? errno : error;
    return mkdir(target, 0755) == 0 ? 0 : errno;
}

int seed_is_empty(const char *path, bool *empty)
{
    DIR *folder = opendir(path);
    if (!folder)
        return errno;
    *empty = true;
    errno = 0;
    for (const struct dirent *entry; *empty && (entry = readdir(folder));)
        *empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    int error = *empty ? errno : 0;
    (void)closedir(folder);
    return error;
}

int seed_folder(int source, const char *target)
{
    struct stat status;
    int to = open(target, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (to < 0)
        return errno;
    int from = openat(source, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (from < 0 || fstat(from, &status) != 0) {
        int error = errno;
        if (from >= 0)
            (void)close(from);
        (void)close(to);
        return error == ENOTDIR ? 0 : error; /* a file in the image: the volume stays empty */
    }
    int error = copy_folder(from, to, 0); /* closes both */
    if (error)
        return error;
    to = open(target, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (to < 0)
        return errno;
    error = copy_attributes(source, to, ".", &status); /* last, for the times */
    (void)close(to);
    return error;
}
