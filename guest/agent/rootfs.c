#include "rootfs.h"

#include "child.h"
#include "container.h"
#include "files.h"
#include "options.h"
#include "prepare.h"
#include "sockets.h"
#include "sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define HARMLESS (MS_NOSUID | MS_NODEV | MS_NOEXEC)

static const struct {
    const char *path, *type, *options;
    unsigned long flags;
} base[] = {
    {"/proc", "proc", NULL, HARMLESS},
    {"/dev", "tmpfs", "mode=755,size=65536k", MS_NOSUID | MS_STRICTATIME},
    {"/dev/pts", "devpts", "newinstance,ptmxmode=0666,mode=0620,gid=5", MS_NOSUID | MS_NOEXEC},
    {"/sys", "sysfs", NULL, HARMLESS | MS_RDONLY},
    {"/sys/fs/cgroup", "cgroup2", NULL, HARMLESS | MS_RDONLY},
};

static const struct {
    const char *name;
    unsigned int major, minor;
} nodes[] = {{"null", 1, 3}, {"zero", 1, 5}, {"full", 1, 7}, {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0}};

static const char *const links[][2] = {
    {"pts/ptmx", "ptmx"},          {"/proc/self/fd", "fd"},         {"/proc/self/fd/0", "stdin"},
    {"/proc/self/fd/1", "stdout"}, {"/proc/self/fd/2", "stderr"}, {"/proc/kcore", "core"},
};

/* The guest's own: containers of a pod share what System V and POSIX call IPC. */
static const char *const shared[] = {"/dev/mqueue", "/dev/shm"};

/* As Docker masks them. */
static const char *const masked[] = {
    "/proc/asound",     "/proc/acpi",        "/proc/kcore", "/proc/keys",    "/proc/latency_stats",           "/proc/timer_list",
    "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi",  "/sys/firmware", "/sys/devices/virtual/powercap",
};
static const char *const read_only[] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"};

/* What an O_PATH descriptor stands for, as a path for mount(2). */
static void descriptor_path(int fd, char path[32])
{
    (void)snprintf(path, 32, "/proc/self/fd/%d", fd);
}

static int target(const struct launch *launch, int root, const char *path, bool folder)
{
    int fd = file_resolve_or_make(root, path, folder);
    if (fd < 0)
        child_fail(launch, FAILURE_OTHER, errno, "cannot make the mount point %.200s", path);
    return fd;
}

static void mount_at(const struct launch *launch, int root, const char *path, const char *type, unsigned long flags, const char *options)
{
    char place[32];
    int fd = target(launch, root, path, true);
    descriptor_path(fd, place);
    if (mount(type, place, type, flags, options) != 0)
        child_fail(launch, FAILURE_OTHER, errno, "cannot mount %s at %.200s", type, path);
    (void)close(fd);
}

static void bind_at(const struct launch *launch, int root, const char *path, const char *source, bool folder)
{
    char place[32];
    int fd = target(launch, root, path, folder);
    descriptor_path(fd, place);
    if (mount(source, place, NULL, MS_BIND, NULL) != 0)
        child_fail(launch, FAILURE_OTHER, errno, "cannot mount at %.200s", path);
    (void)close(fd);
}

/* A remount must repeat the flags that the mount has, or it takes them away. */
static int make_read_only(const char *path)
{
    struct statfs status;
    if (statfs(path, &status) != 0)
        return -1;
    unsigned long flags = (unsigned long)status.f_flags & (MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME);
    return mount(NULL, path, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | flags, NULL);
}

/* What was mounted at a path: reached anew, for a descriptor from before stands for what is below it. */
static void bind_read_only(const struct launch *launch, int root, const char *path)
{
    char place[32];
    int fd = file_resolve(root, path);
    descriptor_path(fd, place);
    if (fd < 0 || make_read_only(place) != 0)
        child_fail(launch, FAILURE_OTHER, errno, "cannot make %.200s read-only", path);
    (void)close(fd);
}

static void mount_source(const struct launch *launch, int root, const struct mount *mount)
{
    char source[256];
    struct stat status;
    prepare_source_path(mount, source, sizeof source);
    if (stat(source, &status) != 0)
        child_fail(launch, FAILURE_OTHER, errno, "what is to be mounted at %.200s cannot be reached", mount->path);
    bind_at(launch, root, mount->path, source, S_ISDIR(status.st_mode));
    if (mount->readonly)
        bind_read_only(launch, root, mount->path);
}

static void fill_dev(const struct launch *launch, int root)
{
    int dev = target(launch, root, "/dev", true);
    mode_t mask = umask(0);
    int error = 0;
    /* Through /proc, for an O_PATH descriptor is as good as the folder for the *at calls. */
    for (size_t i = 0; error == 0 && i < sizeof nodes / sizeof *nodes; i++)
        error = mknodat(dev, nodes[i].name, S_IFCHR | 0666, makedev(nodes[i].major, nodes[i].minor));
    for (size_t i = 0; error == 0 && i < sizeof links / sizeof *links; i++)
        error = symlinkat(links[i][0], dev, links[i][1]);
    if (error)
        child_fail(launch, FAILURE_OTHER, errno, "cannot fill /dev");
    (void)umask(mask);
    (void)close(dev);
}

static void mount_base(const struct launch *launch, int root)
{
    for (size_t i = 0; i < sizeof base / sizeof *base; i++)
        mount_at(launch, root, base[i].path, base[i].type, base[i].flags, base[i].options);
    for (size_t i = 0; i < sizeof shared / sizeof *shared; i++)
        bind_at(launch, root, shared[i], shared[i], true);
    fill_dev(launch, root);
}

static size_t depth(const char *path)
{
    size_t count = 0;
    for (; *path; path++)
        if (*path == '/' && path[1] != '/' && path[1] != 0)
            count++;
    return count;
}

/* Outer ones first, so that none is hidden by another. */
static int compare(const void *one, const void *other)
{
    const struct mount *const *a = one, *const *b = other;
    size_t first = depth((*a)->path), second = depth((*b)->path);
    if (first != second)
        return first < second ? -1 : 1;
    return *a < *b ? -1 : *a > *b;
}

static bool is_read_only_tmpfs(const struct mount *mount)
{
    struct mount_options options = {0};
    return mount->kind == MOUNT_TMPFS && options_parse(&options, mount->options) && (options.flags & MS_RDONLY) != 0;
}

static void mount_requested(const struct launch *launch, int root)
{
    const struct request *request = &launch->container->request;
    const struct mount **sorted = calloc(request->mount_count + 1, sizeof *sorted);
    if (!sorted)
        child_fail(launch, FAILURE_OTHER, ENOMEM, "mounts");
    for (size_t i = 0; i < request->mount_count; i++)
        sorted[i] = &request->mounts[i];
    qsort(sorted, request->mount_count, sizeof *sorted, compare);
    for (size_t i = 0; i < request->mount_count; i++) {
        const struct mount *mount = sorted[i];
        char source[256];
        if (mount->kind == MOUNT_TMPFS) {
            struct mount_options options = {.flags = HARMLESS};
            if (!options_parse(&options, mount->options))
                child_fail(launch, FAILURE_OTHER, EINVAL, "tmpfs options of %.200s", mount->path);
            /* Read-only only when what is in it has its place. */
            mount_at(launch, root, mount->path, "tmpfs", options.flags & ~(unsigned long)MS_RDONLY, options.data);
        } else if (mount->kind == MOUNT_VOLUME) {
            prepare_volume_path(request->scratch, launch->container->id, mount->path, source, sizeof source);
            bind_at(launch, root, mount->path, source, true);
        } else if (mount->kind == MOUNT_SHARE || mount->kind == MOUNT_DISK || mount->kind == MOUNT_FILE_SYSTEM || mount->kind == MOUNT_NFS) {
            mount_source(launch, root, mount);
        } else if (mount->kind == MOUNT_SOCKET) {
            socket_path(launch->container->id, (size_t)(mount - request->mounts), source, sizeof source);
            bind_at(launch, root, mount->path, source, false);
        } else {
            container_file_path(launch->container->id, (size_t)(mount - request->mounts), source, sizeof source);
            bind_at(launch, root, mount->path, source, false);
            if (mount->readonly)
                bind_read_only(launch, root, mount->path);
        }
    }
    for (size_t i = 0; i < request->mount_count; i++)
        if (is_read_only_tmpfs(sorted[i]))
            bind_read_only(launch, root, sorted[i]->path);
    free(sorted);
}

static void change_root(const struct launch *launch, int root)
{
    if (fchdir(root) != 0 || syscall(SYS_pivot_root, ".", ".") != 0 || umount2(".", MNT_DETACH) != 0 || chdir("/") != 0)
        child_fail(launch, FAILURE_OTHER, errno, "cannot change the root");
    (void)close(root);
}

/* Each time, for a pod's containers share them: the one that starts has what it asks for. */
static void set_sysctls(const struct launch *launch)
{
    const struct request *request = &launch->container->request;
    char why[256];
    for (size_t i = 0; i < request->sysctl_count; i++) {
        (void)snprintf(why, sizeof why, "cannot set sysctl %.100s", request->sysctls[i].name);
        if (sysctl_set(&request->sysctls[i], why, sizeof why) != 0)
            child_fail(launch, FAILURE_OTHER, 0, "%s", why);
    }
}

/* What the container has of the kernel's, below a path of its root. False: there is none. */
static bool kernel_path(const struct launch *launch, int root, const char *path, int *fd, char place[32])
{
    *fd = file_resolve(root, path);
    if (*fd < 0 && errno != ENOENT)
        child_fail(launch, FAILURE_OTHER, errno, "cannot reach %s", path);
    descriptor_path(*fd, place);
    return *fd >= 0;
}

static void protect(const struct launch *launch, int root)
{
    char place[32];
    int fd;
    for (size_t i = 0; i < sizeof read_only / sizeof *read_only; i++) {
        if (!kernel_path(launch, root, read_only[i], &fd, place))
            continue;
        if (mount(place, place, NULL, MS_BIND | MS_REC, NULL) != 0)
            child_fail(launch, FAILURE_OTHER, errno, "cannot make %s read-only", read_only[i]);
        (void)close(fd);
        bind_read_only(launch, root, read_only[i]);
    }
    for (size_t i = 0; i < sizeof masked / sizeof *masked; i++) {
        if (!kernel_path(launch, root, masked[i], &fd, place))
            continue;
        if (mount("/dev/null", place, NULL, MS_BIND, NULL) != 0 &&
            (errno != ENOTDIR || mount("tmpfs", place, "tmpfs", MS_RDONLY | HARMLESS, "size=0k") != 0))
            child_fail(launch, FAILURE_OTHER, errno, "cannot mask %s", masked[i]);
        (void)close(fd);
    }
}

/* The working directory is made where missing, as Docker does. What cannot be shows in chdir. */
static void make_working_folder(int root, const char *path)
{
    int fd = path && *path == '/' ? file_resolve_or_make(root, path, true) : -1;
    if (fd >= 0)
        (void)close(fd);
}

/* Where the terminal is bound, once it has a number. */
static void make_console(const struct launch *launch, int root)
{
    int dev = target(launch, root, "/dev", true);
    if (mknodat(dev, "console", S_IFREG | 0600, 0) != 0)
        child_fail(launch, FAILURE_OTHER, errno, "cannot make /dev/console");
    (void)close(dev);
}

int rootfs_begin(const struct launch *launch)
{
    char path[64];
    if (unshare(CLONE_NEWCGROUP) != 0)
        child_fail(launch, FAILURE_OTHER, errno, "cannot make a cgroup namespace");
    container_path(launch->container->id, "rootfs", path, sizeof path);
    int root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        child_fail(launch, FAILURE_OTHER, errno, "the container has no root");
    mount_base(launch, root);
    protect(launch, root);
    return root;
}

void rootfs_finish(const struct launch *launch, int root)
{
    mount_requested(launch, root);
    if (launch->request->tty)
        make_console(launch, root);
    make_working_folder(root, launch->request->cwd);
    set_sysctls(launch);
    change_root(launch, root);
    if (launch->container->request.readonly && make_read_only("/") != 0)
        child_fail(launch, FAILURE_OTHER, errno, "cannot make the root read-only");
}
