#include "prepare.h"

#include "accounts.h"
#include "boot.h"
#include "cgroup.h"
#include "container.h"
#include "disks.h"
#include "files.h"
#include "filesystems.h"
#include "nfs.h"
#include "seed.h"
#include "shares.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#define WHY_SIZE 256
#define ACCOUNTS_FILE_MAX (4U << 20)
#define SHM_DEFAULT (64ULL << 20)
#define PATH_SIZE 256

static int fail(char *why, int error, const char *what)
{
    (void)snprintf(why, WHY_SIZE, "%s: %s", what, strerror(error));
    return error;
}

static int make_folder(const char *path)
{
    return mkdir(path, 0755) == 0 || errno == EEXIST ? 0 : errno;
}

void prepare_scratch_path(const struct container *container, const char *name, char *path, size_t size)
{
    char disk[128];
    disk_path(DISK_SCRATCH, container->request.scratch, disk, sizeof disk);
    (void)snprintf(path, size, "%s/container-%" PRIu64 "%s%s", disk, container->id, *name ? "/" : "", name);
}

/* A volume is named by a hash of its path (FNV-1a), for a path may be longer than a name. */
void prepare_volume_path(const char *scratch, uint64_t container, const char *volume, char *path, size_t size)
{
    uint64_t hash = 0xcbf29ce484222325U;
    char disk[128];
    for (const char *at = volume; *at; at++)
        hash = (hash ^ (uint8_t)*at) * 0x100000001b3U;
    disk_path(DISK_SCRATCH, scratch, disk, sizeof disk);
    (void)snprintf(path, size, "%s/container-%" PRIu64 "/volumes/%016" PRIx64, disk, container, hash);
}

static int make_folders(const struct container *container)
{
    static const char *const on_scratch[] = {"", "upper", "work", "volumes"};
    static const char *const on_tmpfs[] = {"", "rootfs", "files"};
    char path[PATH_SIZE];
    int error = 0;
    for (size_t i = 0; error == 0 && i < sizeof on_scratch / sizeof *on_scratch; i++) {
        prepare_scratch_path(container, on_scratch[i], path, sizeof path);
        error = make_folder(path);
    }
    for (size_t i = 0; error == 0 && i < sizeof on_tmpfs / sizeof *on_tmpfs; i++) {
        container_path(container->id, on_tmpfs[i], path, sizeof path);
        error = make_folder(path);
    }
    return error;
}

/* The upper folder's owner and mode are what the container sees as those of its root. */
static int copy_root_attributes(const char *image, const char *upper)
{
    struct stat status;
    if (stat(image, &status) != 0 || chown(upper, status.st_uid, status.st_gid) != 0 || chmod(upper, status.st_mode & 07777) != 0)
        return errno;
    return 0;
}

static int mount_overlay(const struct container *container)
{
    char image[128], upper[PATH_SIZE], work[PATH_SIZE], target[PATH_SIZE], options[4 * PATH_SIZE];
    disk_path(DISK_IMAGE, container->request.root, image, sizeof image);
    prepare_scratch_path(container, "upper", upper, sizeof upper);
    prepare_scratch_path(container, "work", work, sizeof work);
    container_path(container->id, "rootfs", target, sizeof target);
    int error = copy_root_attributes(image, upper);
    if (error)
        return error;
    (void)snprintf(options, sizeof options, "lowerdir=%s:" SKELETON ",upperdir=%s,workdir=%s", image, upper, work);
    return mount("overlay", target, "overlay", MS_NOATIME, options) == 0 ? 0 : errno;
}

static int write_file(const struct mount *file, const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool ours = fd >= 0 && file->uid == 0 && file->gid == 0;
    if (fd < 0 && errno == EEXIST)
        fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    if (fd < 0)
        return errno;
    int error = 0;
    for (size_t at = 0; error == 0 && at < file->length;) {
        ssize_t written = write(fd, file->content + at, file->length - at);
        if (written < 0)
            error = errno;
        else
            at += (size_t)written;
    }
    if (error == 0 && ((!ours && fchown(fd, (uid_t)file->uid, (gid_t)file->gid) != 0) || fchmod(fd, (mode_t)file->mode & 07777) != 0))
        error = errno;
    (void)close(fd);
    return error;
}

int prepare_file(const struct container *container, size_t number)
{
    char path[PATH_SIZE];
    container_file_path(container->id, number, path, sizeof path);
    return write_file(&container->request.mounts[number], path);
}

/* A file below the container's root, whatever symlinks say; NULL where it has none. */
static char *text_below(int root, const char *path)
{
    char place[32];
    int fd = file_resolve(root, path);
    if (fd < 0)
        return NULL;
    (void)snprintf(place, sizeof place, "/proc/self/fd/%d", fd);
    char *text = file_text(place, ACCOUNTS_FILE_MAX);
    (void)close(fd);
    return text;
}

/* A file whose owner is named as the container's accounts name it. */
static int make_owned_file(const struct container *container, size_t number, int root, char *why)
{
    static struct account account;
    static char no_passwd[1], no_group[1];
    struct mount file = container->request.mounts[number];
    char path[PATH_SIZE];
    char *passwd = text_below(root, "/etc/passwd"), *group = text_below(root, "/etc/group");
    int error = account_find(&account, file.user, passwd ? passwd : no_passwd, group ? group : no_group, why, WHY_SIZE) == 0 ? 0 : EINVAL;
    free(passwd);
    free(group);
    if (error)
        return error;
    file.uid = account.uid;
    file.gid = account.gid;
    container_file_path(container->id, number, path, sizeof path);
    return write_file(&file, path);
}

/* Seeded under another name, so that half a volume is never taken for a whole one. */
static int make_volume(const struct container *container, const char *volume, int root)
{
    char path[PATH_SIZE], begun[PATH_SIZE + 8];
    prepare_volume_path(container->request.scratch, container->id, volume, path, sizeof path);
    if (access(path, F_OK) == 0)
        return 0;
    (void)snprintf(begun, sizeof begun, "%s.begun", path);
    int error = seed_begin(begun);
    if (error)
        return error;
    int source = file_resolve(root, volume);
    if (source >= 0) {
        error = seed_folder(source, begun);
        (void)close(source);
    }
    if (error)
        return error;
    return rename(begun, path) == 0 ? 0 : errno;
}

void prepare_source_path(const struct mount *mount, char *path, size_t size)
{
    char base[128];
    if (mount->kind == MOUNT_FILE_SYSTEM) {
        filesystem_path(mount, path, size);
        return;
    }
    if (mount->kind == MOUNT_NFS) {
        nfs_path(mount, path, size);
        return;
    }
    if (mount->kind == MOUNT_SHARE)
        share_path(mount->name, base, sizeof base);
    else
        disk_path(DISK_VOLUME, mount->name, base, sizeof base);
    (void)snprintf(path, size, "%s/%s", base, mount->source);
}

/* Sources are names that the host has chosen: one part, no way up. */
static bool is_name(const char *source)
{
    return *source && *source != '.' && !strchr(source, '/') && strlen(source) < 100;
}

static int seed_source(const struct mount *mount, const char *path, int root)
{
    bool empty = false;
    int error = seed_is_empty(path, &empty);
    int source = error == 0 && empty ? file_resolve(root, mount->path) : -1;
    if (source < 0)
        return error; /* nothing is there in the image */
    error = seed_folder(source, path);
    (void)close(source);
    return error;
}

/* A folder of the host's or of a disk of its own is mounted where containers find it. */
static int make_source(const struct mount *mount, int root, char *why)
{
    char path[PATH_SIZE];
    if (!is_name(mount->source))
        return EINVAL;
    int error = mount->kind == MOUNT_SHARE ? share_mount(mount->name, why, WHY_SIZE) : disk_mount(DISK_VOLUME, mount->name, why, WHY_SIZE);
    if (error)
        return error;
    prepare_source_path(mount, path, sizeof path);
    if (mount->kind == MOUNT_DISK && (error = make_folder(path)) != 0)
        return error;
    return mount->seed ? seed_source(mount, path, root) : 0;
}

static int make_mounts(const struct container *container, char *why)
{
    char path[PATH_SIZE];
    container_path(container->id, "rootfs", path, sizeof path);
    int root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int error = root < 0 ? errno : 0;
    for (size_t i = 0; error == 0 && i < container->request.mount_count; i++) {
        const struct mount *mount = &container->request.mounts[i];
        if (mount->kind == MOUNT_FILE)
            error = mount->user ? make_owned_file(container, i, root, why) : prepare_file(container, i);
        if (mount->kind == MOUNT_VOLUME)
            error = make_volume(container, mount->path, root);
        if (mount->kind == MOUNT_SHARE || mount->kind == MOUNT_DISK)
            error = make_source(mount, root, why);
        if (mount->kind == MOUNT_FILE_SYSTEM)
            error = filesystem_mount(mount, why, WHY_SIZE);
        if (mount->kind == MOUNT_NFS)
            error = nfs_mount(mount, why, WHY_SIZE);
        if (error && !*why)
            (void)fail(why, error, mount->path);
    }
    if (root >= 0)
        (void)close(root);
    return error;
}

static int make_root(const struct container *container, char *why)
{
    int error = disk_mount(DISK_IMAGE, container->request.root, why, WHY_SIZE);
    if (error == 0)
        error = disk_mount(DISK_SCRATCH, container->request.scratch, why, WHY_SIZE);
    if (error)
        return error;
    if (container->request.scratch_size)
        disk_grow(DISK_SCRATCH, container->request.scratch, container->request.scratch_size);
    if ((error = make_folders(container)) != 0)
        return fail(why, error, "cannot make the container's folders");
    if ((error = mount_overlay(container)) != 0)
        return fail(why, error, "cannot mount the container's root");
    if ((error = cgroup_make(container->id)) != 0)
        return fail(why, error, "cannot make the container's cgroup");
    if ((error = cgroup_limit_unasked(container->id, !containers->next)) != 0)
        return fail(why, error, "cannot limit the container");
    return 0;
}

static uint64_t shm_size(const struct container *container)
{
    return container->request.shm_size ? container->request.shm_size : SHM_DEFAULT;
}

/* A pod's containers share it: the largest that one of them asks for. */
static int size_shm(void)
{
    struct statfs present;
    char options[64];
    uint64_t size = 0;
    for (const struct container *container = containers; container; container = container->next)
        if (shm_size(container) > size)
            size = shm_size(container);
    if (statfs("/dev/shm", &present) == 0 && present.f_blocks * (uint64_t)present.f_bsize == size)
        return 0;
    (void)snprintf(options, sizeof options, "mode=1777,size=%" PRIu64, size);
    return mount(NULL, "/dev/shm", NULL, MS_REMOUNT | MS_NOSUID | MS_NODEV | MS_NOEXEC, options) == 0 ? 0 : errno;
}

int prepare_container(void *argument, char *why)
{
    const struct container *container = argument;
    int error = container->has_root ? 0 : make_root(container, why);
    if (error == 0)
        error = make_mounts(container, why);
    if (error == 0 && (error = size_shm()) != 0)
        return fail(why, error, "cannot size /dev/shm");
    if (error == 0 && (error = cgroup_limit(container->id, &container->request)) != 0)
        return fail(why, error, "cannot limit the container");
    return error;
}

bool prepare_waits(const struct container *container)
{
    for (size_t i = 0; i < container->request.mount_count; i++)
        if (container->request.mounts[i].kind != MOUNT_FILE && container->request.mounts[i].kind != MOUNT_TMPFS)
            return true;
    return !container->has_root;
}

int prepare_destruction(void *argument, char *why)
{
    const struct container *container = argument;
    char path[PATH_SIZE];
    int error = cgroup_kill(container->id);
    if (error)
        return fail(why, error, "cannot kill the container");
    container_path(container->id, "rootfs", path, sizeof path);
    if (umount2(path, 0) != 0 && errno != EINVAL && errno != ENOENT)
        return fail(why, errno, "cannot unmount the container's root");
    (void)rmdir(path);
    for (size_t i = 0; i < container->request.mount_count; i++) {
        if (container->request.mounts[i].kind == MOUNT_NFS)
            nfs_release(&container->request.mounts[i]);
        container_file_path(container->id, i, path, sizeof path);
        (void)unlink(path);
    }
    container_path(container->id, "files", path, sizeof path);
    (void)rmdir(path);
    container_path(container->id, "", path, sizeof path);
    (void)rmdir(path);
    return 0;
}
