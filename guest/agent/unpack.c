#include "unpack.h"

#include "remove.h"
#include "tar.h"
#include "task.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#define CHUNK (256U << 10)
/* Of folders whose times are set at the end; what is more has the time at which it was filled. */
#define TIMES_MAX (16U << 20)

static struct {
    int folder;
    bool owners, replace;
    struct buffer last; /* the folder of the latest entry, from the destination on, and its descriptor: the next one's too, mostly */
    int last_fd;
    struct buffer times; /* a timespec and a path, ended by a zero byte, of each folder */
} state;

static _Noreturn void fail_entry(const char *name)
{
    task_fail(errno, "%s", name);
}

/* A symlink among a name's folders is followed, as Docker does: the root of this process is as far as it leads. */
static int open_folder(int from, const char *path)
{
    struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC, .resolve = RESOLVE_NO_MAGICLINKS};
    return (int)syscall(SYS_openat2, from, path, &how, sizeof how);
}

/* Opens a folder below the destination, and makes what is missing of it. Changes the path for the while. */
static int make_folders(char *path)
{
    int at = fcntl(state.folder, F_DUPFD_CLOEXEC, 3);
    for (char *part = path, *end; at >= 0 && *part; part = end) {
        size_t length = strcspn(part, "/");
        end = part + length;
        char after = *end;
        *end = 0;
        int next = open_folder(at, part);
        if (next < 0 && errno == ENOENT && (mkdirat(at, part, 0755) == 0 || errno == EEXIST))
            next = open_folder(at, part);
        int error = errno;
        (void)close(at);
        *end = after;
        end += after != 0;
        errno = error;
        at = next;
    }
    return at;
}

/* The descriptor of the folder that a name is in, which is kept, and the last part of the name. */
static int parent_of(char *name, const char **base)
{
    char *slash = strrchr(name, '/');
    *base = slash ? slash + 1 : name;
    size_t length = slash ? (size_t)(slash - name) : 0;
    if (state.last_fd >= 0 && state.last.length == length && (length == 0 || memcmp(state.last.bytes, name, length) == 0))
        return state.last_fd;
    if (slash)
        *slash = 0;
    int fd = open_folder(state.folder, slash ? name : ".");
    if (fd < 0 && errno == ENOENT && slash)
        fd = make_folders(name);
    if (fd < 0)
        fail_entry(name);
    if (slash)
        *slash = '/';
    if (state.last_fd >= 0)
        (void)close(state.last_fd);
    state.last_fd = fd;
    state.last.length = 0;
    buffer_append(&state.last, name, length);
    if (state.last.failed)
        task_fail(ENOMEM, "%s", name);
    return fd;
}

/* Xattrs that the file system does not take are left out, as Docker does. */
static void set_xattrs(int fd, const struct tar_entry *entry)
{
    for (size_t i = 0; i < entry->xattr_count; i++) {
        const struct tar_xattr *xattr = &entry->xattrs[i];
        bool kept = strcmp(xattr->name, "security.capability") == 0 || strncmp(xattr->name, "user.", 5) == 0;
        if (kept && fsetxattr(fd, xattr->name, xattr->value, xattr->length, 0) != 0 && errno != ENOTSUP && errno != EPERM)
            fail_entry(entry->name);
    }
}

static uid_t owner_of(const struct tar_entry *entry)
{
    return state.owners ? entry->uid : 0;
}

static gid_t group_of(const struct tar_entry *entry)
{
    return state.owners ? entry->gid : 0;
}

/* Of what is open; after chown, which clears set-id bits and capabilities. */
static void set_attributes(int fd, const struct tar_entry *entry)
{
    if (fchown(fd, owner_of(entry), group_of(entry)) != 0 || fchmod(fd, entry->mode) != 0)
        fail_entry(entry->name);
    set_xattrs(fd, entry);
}

static void set_times(int parent, const char *base, const struct tar_entry *entry)
{
    struct timespec times[2] = {entry->mtime, entry->mtime};
    if (utimensat(parent, base, times, AT_SYMLINK_NOFOLLOW) != 0)
        fail_entry(entry->name);
}

/* An archive that breaks off leaves no half a file. */
static void receive(struct tar_reader *archive, int fd, int parent, const char *base, const struct tar_entry *entry)
{
    static uint8_t bytes[CHUNK];
    ssize_t length;
    while ((length = tar_read(archive, bytes, sizeof bytes)) > 0) {
        for (ssize_t done = 0, part; done < length; done += part) {
            part = write(fd, bytes + done, (size_t)(length - done));
            if (part < 0)
                fail_entry(entry->name);
        }
    }
    if (length < 0) {
        (void)unlinkat(parent, base, 0);
        task_end(TASK_BAD_ARCHIVE, "the tar is damaged: %s", archive->why);
    }
}

static void make_file(struct tar_reader *archive, int parent, const char *base, const struct tar_entry *entry, bool in_place)
{
    struct stat status;
    int how = in_place ? O_TRUNC | O_NONBLOCK : O_CREAT | O_EXCL;
    int fd = openat(parent, base, how | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        fail_entry(entry->name);
    if (in_place && (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)))
        task_end(TASK_BAD_PATH, "%s cannot be replaced: it is mounted there", entry->name);
    receive(archive, fd, parent, base, entry);
    set_attributes(fd, entry);
    struct timespec times[2] = {entry->mtime, entry->mtime};
    if (futimens(fd, times) != 0 || close(fd) != 0)
        fail_entry(entry->name);
}

static void make_folder(int parent, const char *base, const struct tar_entry *entry, bool exists)
{
    if (!exists && mkdirat(parent, base, 0700) != 0)
        fail_entry(entry->name);
    int fd = openat(parent, base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        fail_entry(entry->name);
    set_attributes(fd, entry);
    (void)close(fd);
    buffer_append(&state.times, &entry->mtime, sizeof entry->mtime);
    buffer_append(&state.times, entry->name, strlen(entry->name) + 1);
}

/* Another name of what the archive had before. */
static void make_link(int parent, const char *base, const struct tar_entry *entry)
{
    char *target = strdup(entry->link);
    const char *target_base;
    int own = fcntl(parent, F_DUPFD_CLOEXEC, 3); /* the one that is kept will be the target's */
    if (!target || own < 0)
        fail_entry(entry->name);
    if (!unpack_clean(target) || !*target)
        task_end(TASK_BAD_ARCHIVE, "%s is a link to %s, which leads out of the folder", entry->name, entry->link);
    int target_parent = parent_of(target, &target_base);
    if (linkat(target_parent, target_base, own, base, 0) != 0)
        fail_entry(entry->name);
    (void)close(own);
    free(target);
}

static void make_special(int parent, const char *base, const struct tar_entry *entry)
{
    static const mode_t types[] = {[TAR_CHARACTER - '0'] = S_IFCHR, [TAR_DEVICE - '0'] = S_IFBLK, [TAR_FIFO - '0'] = S_IFIFO};
    int error = entry->type == TAR_SYMLINK ? symlinkat(entry->link, parent, base)
                                           : mknodat(parent, base, types[entry->type - '0'] | entry->mode, makedev(entry->major, entry->minor));
    if (error || fchownat(parent, base, owner_of(entry), group_of(entry), AT_SYMLINK_NOFOLLOW) != 0)
        fail_entry(entry->name);
    set_times(parent, base, entry);
}

/* Makes way for an entry. Answers whether it is a folder that is there; `in_place`: a file that cannot be removed, for it is mounted. */
static bool make_way(int parent, const char *base, const struct tar_entry *entry, bool *in_place)
{
    struct stat status;
    *in_place = false;
    if (fstatat(parent, base, &status, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno != ENOENT)
            fail_entry(entry->name);
        return false;
    }
    bool was = S_ISDIR(status.st_mode), is = entry->type == TAR_FOLDER;
    if (was && is)
        return true;
    if (was != is && !state.replace)
        task_end(TASK_BAD_PATH, was ? "cannot overwrite directory %s with non-directory" : "cannot overwrite non-directory %s with directory", entry->name);
    int error = was ? remove_tree(parent, base) : unlinkat(parent, base, 0) == 0 ? 0 : errno;
    *in_place = error == EBUSY && S_ISREG(status.st_mode) && entry->type == TAR_FILE;
    errno = error;
    if (error && !*in_place)
        fail_entry(entry->name);
    return false;
}

static void unpack_entry(struct tar_reader *archive, struct tar_entry *entry)
{
    const char *base;
    char *name = strdup(entry->name);
    if (!name)
        fail_entry(entry->name);
    if (!unpack_clean(name))
        task_end(TASK_BAD_ARCHIVE, "%s leads out of the folder", entry->name);
    entry->name = name;
    if (*name) { /* the destination itself is left as it is */
        bool in_place;
        int parent = parent_of(name, &base);
        bool exists = make_way(parent, base, entry, &in_place);
        switch (entry->type) {
        case TAR_FILE: make_file(archive, parent, base, entry, in_place); break;
        case TAR_FOLDER: make_folder(parent, base, entry, exists); break;
        case TAR_HARD_LINK: make_link(parent, base, entry); break;
        default: make_special(parent, base, entry); break;
        }
    }
    free(name);
}

/* Inner ones were filled last, and what is done in a folder changes its time only. */
static void set_folder_times(void)
{
    const char *base;
    for (size_t at = 0; at < state.times.length;) {
        struct timespec times[2];
        memcpy(times, state.times.bytes + at, sizeof *times);
        times[1] = times[0];
        char *name = (char *)state.times.bytes + at + sizeof *times;
        at += sizeof *times + strlen(name) + 1;
        int parent = parent_of(name, &base);
        (void)utimensat(parent, base, times, AT_SYMLINK_NOFOLLOW); /* it may have gone since */
    }
}

static ssize_t read_stdin(void *source, void *bytes, size_t length)
{
    ssize_t part;
    (void)source;
    do
        part = read(STDIN_FILENO, bytes, length);
    while (part < 0 && errno == EINTR);
    return part;
}

void unpack(const char *folder, bool owners, bool replace)
{
    static struct tar_reader archive;
    struct tar_entry entry;
    struct statvfs file_system;
    int more;
    state.folder = task_folder(folder);
    if (fstatvfs(state.folder, &file_system) == 0 && file_system.f_flag & ST_RDONLY)
        task_end(TASK_READ_ONLY, "%s is on a read-only file system", folder);
    state.owners = owners;
    state.replace = replace;
    state.last_fd = -1;
    buffer_init(&state.last, TAR_EXTENSION_MAX);
    buffer_init(&state.times, TIMES_MAX);
    tar_open(&archive, read_stdin, NULL);
    while ((more = tar_next(&archive, &entry)) > 0)
        unpack_entry(&archive, &entry);
    if (more < 0)
        task_end(TASK_BAD_ARCHIVE, "the tar is damaged: %s", archive.why);
    set_folder_times();
}
