#include "power.h"

#include "container.h"
#include "disks.h"
#include "filesystems.h"
#include "log.h"
#include "nfs.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* How long those who are killed may wait for a server that does not answer. */
#define PATIENCE_NS 2000000000LL

static bool has_nfs(void)
{
    for (struct container *container = containers; container; container = container->next)
        for (size_t i = 0; i < container->request.mount_count; i++)
            if (container->request.mounts[i].kind == MOUNT_NFS)
                return true;
    return false;
}

/* Until all have ended, or it takes too long: what one has not written to a server may keep it. */
static void wait_for_all(bool for_ever)
{
    struct timespec left = {.tv_nsec = PATIENCE_NS % 1000000000LL, .tv_sec = PATIENCE_NS / 1000000000LL};
    sigset_t children;
    (void)sigemptyset(&children);
    (void)sigaddset(&children, SIGCHLD);
    for (;;) {
        pid_t pid = waitpid(-1, NULL, for_ever ? 0 : WNOHANG);
        if (pid < 0 && errno != EINTR)
            return;
        if (pid == 0 && sigtimedwait(&children, NULL, &left) < 0)
            return;
    }
}

static void release_mounts(const struct container *container)
{
    for (size_t i = 0; i < container->request.mount_count; i++) {
        const struct mount *mount = &container->request.mounts[i];
        if (mount->kind == MOUNT_DISK)
            disk_release(DISK_VOLUME, mount->name);
        if (mount->kind == MOUNT_FILE_SYSTEM)
            filesystem_release(mount);
    }
}

static void release_nfs(const struct container *container)
{
    for (size_t i = 0; i < container->request.mount_count; i++)
        if (container->request.mounts[i].kind == MOUNT_NFS)
            nfs_release(&container->request.mounts[i]);
}

void power_off(void)
{
    bool remote = has_nfs(); /* sync() would wait for its servers */
    if (!remote)
        sync(); /* most of it while the processes still live: killing them is quick then */
    (void)kill(-1, SIGKILL);
    wait_for_all(!remote);
    for (struct container *container = containers; container; container = container->next) {
        char path[128];
        container_path(container->id, "rootfs", path, sizeof path);
        (void)umount2(path, 0);
        release_mounts(container);
        disk_release(DISK_SCRATCH, container->request.scratch);
        disk_release(DISK_IMAGE, container->request.root);
    }
    for (struct container *container = containers; container; container = container->next)
        release_nfs(container);
    if (!remote)
        sync();
    /* Without ACPI (microvm) nothing powers the machine off: a restart ends its QEMU as well (-action reboot=shutdown). */
    (void)reboot(access("/sys/firmware/acpi", F_OK) == 0 ? RB_POWER_OFF : RB_AUTOBOOT);
    log_fatal("cannot power off");
}
