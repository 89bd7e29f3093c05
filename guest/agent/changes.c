#include "changes.h"

#include "boot.h"
#include "buffer.h"
#include "container.h"
#include "disks.h"
#include "prepare.h"
#include "task.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define CHUNK (64U << 10)

/* What lies below the writable layer, the upper one first: the image, and the guest's own folder of what it mounts. */
enum { LOWERS = 2 };

/* A folder in all layers; -1: it is not there, or is none. */
struct layers {
    int upper;
    int lowers[LOWERS];
    bool opaque; /* what is below does not show */
};

struct found {
    bool any;    /* there is something to tell of, in it or below */
    bool direct; /* something in it was added or deleted */
};

static struct {
    const struct container *container;
    struct buffer path, out;
} state;

static struct found compare(struct layers *layers, int depth);

static void tell(char kind, const char *name)
{
    buffer_append(&state.out, &kind, 1);
    buffer_append(&state.out, state.path.bytes, state.path.length);
    if (*name)
        buffer_append(&state.out, "/", 1);
    buffer_append(&state.out, name, strlen(name) + 1);
    if (state.out.failed)
        task_fail(ENOMEM, "changes");
    if (state.out.length >= CHUNK) {
        task_write(state.out.bytes, state.out.length);
        state.out.length = 0;
    }
}

/* 1: the path is a mount point of the container's, 2: one lies below it. */
static int mount_place(void)
{
    int place = 0;
    for (size_t i = 0; i < state.container->request.mount_count; i++) {
        const char *at = state.container->request.mounts[i].path;
        size_t same = 0;
        /* Both begin with a slash; a user's path may have several in a row. */
        while (same < state.path.length && *at) {
            if (*at == '/' && (at[1] == '/' || at[1] == 0)) {
                at++;
                continue;
            }
            if ((uint8_t)*at != state.path.bytes[same])
                break;
            at++;
            same++;
        }
        at += strspn(at, "/") == strlen(at) ? strlen(at) : 0;
        if (same == state.path.length && !*at)
            return 1;
        if (same == state.path.length && *at == '/')
            place = 2;
    }
    return place;
}

/* What is below the writable layer: its status, and the descriptor of a folder in each lower layer that has one. */
static bool stat_below(const struct layers *layers, const char *name, struct stat *status, int lowers[LOWERS])
{
    bool there = false;
    for (int i = 0; i < LOWERS; i++) {
        struct stat below;
        lowers[i] = -1;
        if (layers->lowers[i] < 0 || fstatat(layers->lowers[i], name, &below, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        if (!there)
            *status = below;
        there = true;
        if (!S_ISDIR(below.st_mode))
            break;
        lowers[i] = openat(layers->lowers[i], name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    }
    return there;
}

static bool is_opaque(int folder)
{
    char value[4];
    return fgetxattr(folder, "trusted.overlay.opaque", value, sizeof value) == 1 && *value == 'y';
}

static bool differs(const struct stat *one, const struct stat *other, bool in_time)
{
    if (one->st_mode != other->st_mode || one->st_uid != other->st_uid || one->st_gid != other->st_gid)
        return true;
    return in_time && (one->st_mtim.tv_sec != other->st_mtim.tv_sec || one->st_mtim.tv_nsec != other->st_mtim.tv_nsec);
}

static void close_all(struct layers *layers)
{
    for (int i = 0; i < LOWERS; i++)
        if (layers->lowers[i] >= 0)
            (void)close(layers->lowers[i]);
}

/* A folder of the writable layer: what is in it, then itself. */
static char compare_folder(int upper, const char *name, const struct stat *status, bool there, const struct stat *below,
                           struct layers *inner, int depth, bool *any)
{
    inner->upper = openat(upper, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (inner->upper < 0 || depth > TASK_DEPTH_MAX / 4)
        task_fail(inner->upper < 0 ? errno : ELOOP, "%s", name);
    inner->opaque = is_opaque(inner->upper);
    struct found found = compare(inner, depth + 1);
    *any = found.any;
    /* That a mount point was made in it, which is in its time, is not its container's doing. */
    int place = mount_place();
    if (!there)
        return found.any || !place ? 'A' : 0;
    return found.direct || differs(status, below, !place) ? 'C' : 0;
}

static void compare_entry(const struct layers *layers, const char *name, int depth, struct found *found)
{
    struct stat status, below = {0};
    struct layers inner = {.upper = -1};
    size_t length = state.path.length;
    bool any = false;
    char kind;
    if (fstatat(layers->upper, name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT)
            return; /* it has gone */
        task_fail(errno, "%s", name);
    }
    bool there = stat_below(layers, name, &below, inner.lowers);
    buffer_append(&state.path, "/", 1);
    buffer_append(&state.path, name, strlen(name));
    if (state.path.failed)
        task_fail(ENAMETOOLONG, "%s", name);
    if (S_ISCHR(status.st_mode) && status.st_rdev == 0)
        kind = there ? 'D' : 0;
    else if (S_ISDIR(status.st_mode))
        kind = compare_folder(layers->upper, name, &status, there, &below, &inner, depth, &any);
    else
        kind = mount_place() == 1 ? 0 : there ? 'C' : 'A';
    if (kind)
        tell(kind, "");
    state.path.length = length;
    close_all(&inner);
    found->any |= any || kind;
    found->direct |= kind == 'A' || kind == 'D';
}

/* What an opaque folder hides of the lower ones. */
static void compare_hidden(const struct layers *layers, struct found *found)
{
    for (int i = 0; i < LOWERS; i++) {
        int fd = layers->lowers[i] < 0 ? -1 : fcntl(layers->lowers[i], F_DUPFD_CLOEXEC, 3);
        DIR *entries = fd < 0 ? NULL : fdopendir(fd);
        for (const struct dirent *each; entries && (each = readdir(entries));) {
            struct stat status;
            if (strcmp(each->d_name, ".") == 0 || strcmp(each->d_name, "..") == 0 ||
                fstatat(layers->upper, each->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0)
                continue;
            tell('D', each->d_name);
            *found = (struct found){.any = true, .direct = true};
        }
        if (entries)
            (void)closedir(entries);
    }
}

/* Closes the upper folder. */
static struct found compare(struct layers *layers, int depth)
{
    struct found found = {0};
    DIR *entries = fdopendir(layers->upper);
    if (!entries)
        task_fail(errno, "changes");
    for (;;) {
        errno = 0;
        const struct dirent *each = readdir(entries);
        if (!each && errno)
            task_fail(errno, "changes");
        if (!each)
            break;
        if (strcmp(each->d_name, ".") != 0 && strcmp(each->d_name, "..") != 0)
            compare_entry(layers, each->d_name, depth, &found);
    }
    if (layers->opaque)
        compare_hidden(layers, &found);
    (void)closedir(entries);
    return found;
}

static int open_layer(const char *path)
{
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

void changes(const char *number)
{
    char path[256];
    struct layers layers;
    state.container = container_find(strtoull(number, NULL, 10));
    if (!state.container || !state.container->has_root)
        task_end(TASK_NOT_FOUND, "the guest has no such container");
    prepare_scratch_path(state.container, "upper", path, sizeof path);
    layers.upper = open_layer(path);
    disk_path(DISK_IMAGE, state.container->request.root, path, sizeof path);
    layers.lowers[0] = open_layer(path);
    layers.lowers[1] = open_layer(SKELETON);
    layers.opaque = false;
    if (layers.upper < 0 || layers.lowers[0] < 0 || layers.lowers[1] < 0)
        task_fail(errno, "the container's layers");
    buffer_init(&state.path, TASK_DEPTH_MAX * (NAME_MAX + 1));
    buffer_init(&state.out, 4 * CHUNK + TASK_DEPTH_MAX * (NAME_MAX + 1));
    (void)compare(&layers, 0);
    task_write(state.out.bytes, state.out.length);
}
