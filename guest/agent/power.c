#include "power.h"

#include "container.h"
#include "disks.h"
#include "filesystems.h"
#include "log.h"

#include <errno.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <unistd.h>

void power_off(void)
{
    sync(); /* most of it while the processes still live: killing them is quick then */
    (void)kill(-1, SIGKILL);
    while (wait(NULL) > 0 || errno == EINTR)
        continue;
    for (struct container *container = containers; container; container = container->next) {
        char path[128];
        container_path(container->id, "rootfs", path, sizeof path);
        (void)umount2(path, 0);
        for (size_t i = 0; i < container->request.mount_count; i++) {
            const struct mount *mount = &container->request.mounts[i];
            if (mount->kind == MOUNT_DISK)
                disk_release(DISK_VOLUME, mount->name);
            if (mount->kind == MOUNT_FILE_SYSTEM)
                filesystem_release(mount);
        }
        disk_release(DISK_SCRATCH, container->request.scratch);
        disk_release(DISK_IMAGE, container->request.root);
    }
    sync();
    /* Without ACPI (microvm) nothing powers the machine off: a restart ends its QEMU as well (-action reboot=shutdown). */
    (void)reboot(access("/sys/firmware/acpi", F_OK) == 0 ? RB_POWER_OFF : RB_AUTOBOOT);
    log_fatal("cannot power off");
}
