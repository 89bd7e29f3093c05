#include "boot.h"

#include "files.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define HARMLESS (MS_NOSUID | MS_NODEV | MS_NOEXEC)
#define DESCRIPTORS 65536

static const struct {
    const char *path, *type, *options;
    unsigned long flags;
} mounts[] = {
    {"/proc", "proc", NULL, HARMLESS},
    {"/sys", "sysfs", NULL, HARMLESS},
    {"/dev", "devtmpfs", "mode=755", MS_NOSUID},
    {"/dev/pts", "devpts", "ptmxmode=0666,mode=0620,gid=5", MS_NOSUID | MS_NOEXEC},
    {"/dev/shm", "tmpfs", "mode=1777", HARMLESS},
    {"/dev/mqueue", "mqueue", NULL, HARMLESS},
    {"/run", "tmpfs", "mode=755", MS_NOSUID | MS_NODEV},
    {"/tmp", "tmpfs", "mode=1777", MS_NOSUID | MS_NODEV},
    {"/sys/fs/cgroup", "cgroup2", NULL, HARMLESS},
};

static const char *const folders[] = {
    "/run/images", "/run/scratch", "/run/volumes", "/run/modules", "/run/shares", "/run/sockets", "/run/containers",
};

static const char *const skeleton_folders[] = {SKELETON, SKELETON "/dev", SKELETON "/etc", SKELETON "/proc", SKELETON "/sys"};
static const char *const skeleton_files[] = {SKELETON "/etc/hostname", SKELETON "/etc/hosts", SKELETON "/etc/machine-id", SKELETON "/etc/resolv.conf"};

static void make_folder(const char *path)
{
    if (mkdir(path, 0755) != 0 && errno != EEXIST)
        log_fatal("mkdir %s", path);
}

static void make_skeleton(void)
{
    for (size_t i = 0; i < sizeof skeleton_folders / sizeof *skeleton_folders; i++)
        make_folder(skeleton_folders[i]);
    for (size_t i = 0; i < sizeof skeleton_files / sizeof *skeleton_files; i++)
        if (mknod(skeleton_files[i], S_IFREG | 0644, 0) != 0)
            log_fatal("mknod %s", skeleton_files[i]);
}

/* pivot_root refuses to leave the kernel's first root file system, the initramfs. A bind mount of it, moved over it, may be left. */
static void leave_rootfs(void)
{
    make_folder("/base");
    if (mount("/", "/base", NULL, MS_BIND, NULL) != 0 || chdir("/base") != 0 || mount(".", "/", NULL, MS_MOVE, NULL) != 0 ||
        chroot(".") != 0 || chdir("/") != 0)
        log_fatal("the root cannot be moved");
    (void)rmdir("/base");
}

/* Without a console the kernel gives PID 1 no descriptors, and the first three that are opened would be taken for stdio. */
static void open_stdio(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd < 3);
    if (fd >= 3)
        (void)close(fd);
}

void boot_mount(void)
{
    leave_rootfs();
    for (size_t i = 0; i < sizeof mounts / sizeof *mounts; i++) {
        make_folder(mounts[i].path);
        if (mount(mounts[i].type, mounts[i].path, mounts[i].type, mounts[i].flags, mounts[i].options) != 0)
            log_fatal("mount %s", mounts[i].path);
    }
    open_stdio();
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        make_folder(folders[i]);
    make_skeleton();
    /* Docker's seccomp filter refuses them to containers: root of one reaches far more of the kernel. */
    errno = file_write_text("/proc/sys/user/max_user_namespaces", "0");
    if (errno && errno != ENOENT)
        log_fatal("user namespaces");
    struct rlimit limit = {.rlim_cur = DESCRIPTORS, .rlim_max = 1 << 20};
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        log_fatal("setrlimit");
}
