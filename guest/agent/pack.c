#include "pack.h"

#include "buffer.h"
#include "links.h"
#include "tar.h"
#include "task.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#define XATTR_NAMES_MAX 65536
#define XATTR_VALUE_MAX 65536
#define XATTRS_MAX 64
#define CHUNK (256U << 10)

static struct {
    struct buffer name; /* of the entry, as the archive has it, ended by a zero byte */
    struct buffer out;  /* not written yet */
    struct links links;
    bool one_file_system;
    dev_t source, devices; /* where it began; /dev */
} state;

/* What the kernel makes up, and would be no file elsewhere. */
static bool is_made_up(int folder, const struct stat *status)
{
    static const unsigned long types[] = {PROC_SUPER_MAGIC, SYSFS_MAGIC, CGROUP2_SUPER_MAGIC, DEVPTS_SUPER_MAGIC, 0x19800202 /* mqueue */};
    struct statfs file_system;
    if (status->st_dev == state.source)
        return false; /* it was asked for */
    if (status->st_dev == state.devices)
        return true;
    if (fstatfs(folder, &file_system) != 0)
        return false;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if ((unsigned long)file_system.f_type == types[i])
            return true;
    return false;
}

static void flush(void)
{
    if (state.out.failed)
        task_fail(ENOMEM, "%s", (const char *)state.name.bytes);
    task_write(state.out.bytes, state.out.length);
    state.out.length = 0;
}

static void flush_if_full(void)
{
    if (state.out.length >= CHUNK || state.out.failed)
        flush();
}

/* What Docker keeps, and the user's own. */
static bool is_kept(const char *xattr)
{
    return strcmp(xattr, "security.capability") == 0 || strncmp(xattr, "user.", 5) == 0;
}

static size_t read_xattrs(int fd, struct tar_xattr xattrs[XATTRS_MAX])
{
    static char names[XATTR_NAMES_MAX];
    static uint8_t *values[XATTRS_MAX];
    size_t count = 0;
    ssize_t length = fd < 0 ? 0 : flistxattr(fd, names, sizeof names);
    for (const char *at = names; at < names + length && count < XATTRS_MAX; at += strlen(at) + 1) {
        if (!is_kept(at))
            continue;
        if (!values[count] && !(values[count] = malloc(XATTR_VALUE_MAX)))
            task_fail(ENOMEM, "xattrs");
        ssize_t size = fgetxattr(fd, at, values[count], XATTR_VALUE_MAX);
        if (size < 0)
            continue;
        xattrs[count] = (struct tar_xattr){.name = at, .value = values[count], .length = (size_t)size};
        count++;
    }
    return count;
}

static struct tar_entry entry_of(const struct stat *status, char type)
{
    return (struct tar_entry){
        .type = type,
        .name = (const char *)state.name.bytes,
        .link = "",
        .mode = status->st_mode & 07777,
        .uid = status->st_uid,
        .gid = status->st_gid,
        .mtime = status->st_mtim,
    };
}

/* A file that grows meanwhile has the size that it had; one that shrinks, zeros at its end. */
static void put_bytes_of(int fd, uint64_t size)
{
    static uint8_t bytes[CHUNK];
    uint64_t left = size;
    while (left > 0) {
        ssize_t length = read(fd, bytes, left < sizeof bytes ? (size_t)left : sizeof bytes);
        if (length < 0 && errno == EINTR)
            continue;
        if (length < 0)
            task_fail(errno, "%s", (const char *)state.name.bytes);
        if (length == 0) {
            length = (ssize_t)(left < sizeof bytes ? left : sizeof bytes);
            memset(bytes, 0, (size_t)length);
        }
        if ((size_t)length >= sizeof bytes / 2) { /* large ones go past the buffer */
            flush();
            task_write(bytes, (size_t)length);
        } else {
            buffer_append(&state.out, bytes, (size_t)length);
            flush_if_full();
        }
        left -= (uint64_t)length;
    }
    tar_put_padding(&state.out, size);
}

/* What is said to be empty may be one that the kernel makes up as it is read: then as much as one read gives. */
static void put_unsized(int fd, struct tar_entry *entry)
{
    static uint8_t bytes[64 << 10];
    ssize_t length = read(fd, bytes, sizeof bytes);
    entry->size = length > 0 ? (uint64_t)length : 0;
    tar_put(&state.out, entry);
    buffer_append(&state.out, bytes, (size_t)entry->size);
    tar_put_padding(&state.out, entry->size);
}

static int open_in(int folder, const char *name, int flags)
{
    struct open_how how = {
        .flags = (uint64_t)(unsigned int)(flags | O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC),
        .resolve = RESOLVE_NO_MAGICLINKS | (state.one_file_system ? RESOLVE_NO_XDEV : 0),
    };
    return (int)syscall(SYS_openat2, folder, name, &how, sizeof how);
}

static bool put_link(const struct stat *status)
{
    const char *first = status->st_nlink > 1 ? links_note(&state.links, status, (const char *)state.name.bytes) : NULL;
    if (!first)
        return false;
    struct tar_entry entry = entry_of(status, TAR_HARD_LINK);
    entry.link = first;
    tar_put(&state.out, &entry);
    return true;
}

static void put_file(int folder, const char *name, struct stat *status)
{
    struct tar_xattr xattrs[XATTRS_MAX];
    int fd = open_in(folder, name, 0);
    if (fd < 0 && errno == ENOENT)
        return; /* it has gone since its folder was read */
    bool mounted = fd < 0 && errno == EXDEV;
    if (fd < 0 && !mounted)
        task_fail(errno, "%s", (const char *)state.name.bytes);
    if (!mounted && (fstat(fd, status) != 0 || !S_ISREG(status->st_mode)))
        task_end(TASK_FAILED, "%s was changed while it was read", (const char *)state.name.bytes);
    struct tar_entry entry = entry_of(status, TAR_FILE);
    entry.xattrs = xattrs;
    entry.xattr_count = read_xattrs(fd, xattrs);
    entry.size = mounted ? 0 : (uint64_t)status->st_size;
    if (entry.size == 0 && !mounted) {
        put_unsized(fd, &entry);
    } else {
        tar_put(&state.out, &entry);
        if (!mounted)
            put_bytes_of(fd, entry.size);
    }
    if (fd >= 0)
        (void)close(fd);
}

static void put_symlink(int folder, const char *name, const struct stat *status)
{
    char link[PATH_MAX];
    ssize_t length = readlinkat(folder, name, link, sizeof link - 1);
    if (length < 0)
        return; /* it has gone */
    link[length] = 0;
    struct tar_entry entry = entry_of(status, TAR_SYMLINK);
    entry.link = link;
    tar_put(&state.out, &entry);
}

static void put_device(const struct stat *status, char type)
{
    struct tar_entry entry = entry_of(status, type);
    if (type != TAR_FIFO) {
        entry.major = major(status->st_rdev);
        entry.minor = minor(status->st_rdev);
    }
    tar_put(&state.out, &entry);
}

static void put_entry(int folder, const char *name, int depth);

/* Closes the folder. */
static void put_contents(int fd, int depth)
{
    size_t length = state.name.length;
    DIR *entries = fdopendir(fd);
    if (!entries)
        task_fail(errno, "%s", (const char *)state.name.bytes);
    for (;;) {
        errno = 0;
        const struct dirent *each = readdir(entries);
        if (!each && errno)
            task_fail(errno, "%s", (const char *)state.name.bytes);
        if (!each)
            break;
        if (strcmp(each->d_name, ".") == 0 || strcmp(each->d_name, "..") == 0)
            continue;
        state.name.length = length - 1; /* the folder's name ends in a slash */
        buffer_append(&state.name, each->d_name, strlen(each->d_name) + 1);
        if (state.name.failed)
            task_fail(ENAMETOOLONG, "%s", each->d_name);
        put_entry(dirfd(entries), each->d_name, depth);
    }
    state.name.length = length;
    state.name.bytes[length - 1] = 0;
    (void)closedir(entries);
}

static void put_folder(int folder, const char *name, struct stat *status, int depth)
{
    struct tar_xattr xattrs[XATTRS_MAX];
    int fd = open_in(folder, name, O_DIRECTORY);
    if (fd < 0 && errno == ENOENT)
        return;
    if ((fd < 0 && errno != EXDEV) || depth > TASK_DEPTH_MAX)
        task_fail(fd < 0 ? errno : ELOOP, "%s", (const char *)state.name.bytes);
    if (fd >= 0 && fstat(fd, status) != 0)
        task_fail(errno, "%s", (const char *)state.name.bytes);
    state.name.length--;
    buffer_append(&state.name, "/", 2);
    struct tar_entry entry = entry_of(status, TAR_FOLDER);
    entry.xattrs = xattrs;
    entry.xattr_count = read_xattrs(fd, xattrs);
    tar_put(&state.out, &entry);
    flush_if_full();
    if (fd >= 0 && (depth == 0 || !is_made_up(fd, status)))
        put_contents(fd, depth + 1);
    else if (fd >= 0)
        (void)close(fd);
}

static void put_entry(int folder, const char *name, int depth)
{
    struct stat status;
    if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT && depth > 0)
            return; /* it has gone */
        task_fail(errno, "%s", (const char *)state.name.bytes);
    }
    if (S_ISDIR(status.st_mode))
        put_folder(folder, name, &status, depth);
    else if (!S_ISSOCK(status.st_mode) && !put_link(&status)) {
        switch (status.st_mode & S_IFMT) {
        case S_IFREG: put_file(folder, name, &status); break;
        case S_IFLNK: put_symlink(folder, name, &status); break;
        case S_IFCHR: put_device(&status, TAR_CHARACTER); break;
        case S_IFBLK: put_device(&status, TAR_DEVICE); break;
        case S_IFIFO: put_device(&status, TAR_FIFO); break;
        default: break;
        }
    }
    flush_if_full();
}

void pack_stat(const char *folder, const char *name)
{
    struct stat status;
    char head[128], link[PATH_MAX];
    int fd = task_folder(folder);
    if (fstatat(fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
        task_fail(errno, "%s/%s", strcmp(folder, "/") == 0 ? "" : folder, name);
    ssize_t length = S_ISLNK(status.st_mode) ? readlinkat(fd, name, link, sizeof link) : 0;
    if (length < 0)
        task_fail(errno, "%s/%s", folder, name);
    int size = snprintf(head, sizeof head, "%o %lld %lld %zd\n", status.st_mode, (long long)status.st_size, (long long)status.st_mtim.tv_sec, length);
    task_write(head, (size_t)size);
    task_write(link, (size_t)length);
    (void)close(fd);
}

void pack(const char *folder, const char *name, const char *as, bool one_file_system)
{
    struct stat status;
    pack_stat(folder, name);
    int fd = task_folder(folder);
    state.one_file_system = one_file_system;
    state.source = fstatat(fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0 ? status.st_dev : 0;
    state.devices = stat("/dev", &status) == 0 ? status.st_dev : 0;
    buffer_init(&state.name, TASK_DEPTH_MAX * (NAME_MAX + 2));
    buffer_init(&state.out, 16U << 20);
    buffer_append(&state.name, as, strlen(as) + 1);
    put_entry(fd, name, 0);
    tar_put_end(&state.out);
    flush();
}
