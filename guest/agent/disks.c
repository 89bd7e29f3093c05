#include "disks.h"

#include "files.h"
#include "log.h"
#include "uevents.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define SERIAL_MAX 64
#define EROFS_MAGIC 0xE0F5E1E2U
#define EXT4_MAGIC 0xEF53U

static const struct {
    const char *folder, *type, *options;
    unsigned long flags;
    uint32_t magic;
} kinds[] = {
    [DISK_IMAGE] = {"/run/images", "erofs", NULL, MS_RDONLY | MS_NOATIME, EROFS_MAGIC},
    [DISK_SCRATCH] = {"/run/scratch", "ext4", "noinit_itable", MS_NOATIME, EXT4_MAGIC},
    [DISK_VOLUME] = {"/run/volumes", "ext4", "noinit_itable", MS_NOATIME, EXT4_MAGIC},
};

void disk_path(enum disk_kind kind, const char *serial, char *path, size_t size)
{
    (void)snprintf(path, size, "%s/%s", kinds[kind].folder, serial);
}

static bool is_serial(const char *serial)
{
    size_t length = strlen(serial);
    return length > 0 && length <= SERIAL_MAX && serial[0] != '.' && !strchr(serial, '/');
}

static bool find_device(const char *serial, char *device, size_t size)
{
    DIR *blocks = opendir("/sys/block");
    bool found = false;
    if (!blocks)
        return false;
    for (const struct dirent *block; !found && (block = readdir(blocks));) {
        char path[128];
        (void)snprintf(path, sizeof path, "/sys/block/%.64s/serial", block->d_name);
        char *text = block->d_name[0] == '.' ? NULL : file_text(path, 256);
        if (text)
            text[strcspn(text, "\n")] = 0;
        found = text && strcmp(text, serial) == 0;
        free(text);
        if (found)
            (void)snprintf(device, size, "/dev/%.64s", block->d_name);
    }
    (void)closedir(blocks);
    return found;
}

struct search {
    const char *serial;
    char *device;
    size_t size;
};

static bool search_device(void *argument)
{
    const struct search *search = argument;
    return find_device(search->serial, search->device, search->size);
}

static bool wait_for_device(const char *serial, char *device, size_t size)
{
    return uevents_await(search_device, &(struct search){.serial = serial, .device = device, .size = size});
}

static bool is_mounted(enum disk_kind kind, const char *path)
{
    struct statfs status;
    return statfs(path, &status) == 0 && (uint32_t)status.f_type == kinds[kind].magic;
}

static int mount_once(enum disk_kind kind, const char *device, const char *path)
{
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return errno;
    /* Two containers of one image may come at the same time. */
    int lock = open(kinds[kind].folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (lock < 0 || flock(lock, LOCK_EX) != 0)
        return errno;
    int error = 0;
    if (!is_mounted(kind, path) && mount(device, path, kinds[kind].type, kinds[kind].flags, kinds[kind].options) != 0)
        error = errno;
    (void)close(lock);
    return error;
}

int disk_mount(enum disk_kind kind, const char *serial, char *why, size_t why_size)
{
    char device[80], path[128];
    if (!serial || !is_serial(serial)) {
        (void)snprintf(why, why_size, "a container needs the serial of its %s disk", kinds[kind].type);
        return EINVAL;
    }
    disk_path(kind, serial, path, sizeof path);
    if (is_mounted(kind, path))
        return 0;
    if (!wait_for_device(serial, device, sizeof device)) {
        (void)snprintf(why, why_size, "there is no disk with the serial %s", serial);
        return ENODEV;
    }
    int error = mount_once(kind, device, path);
    if (error)
        (void)snprintf(why, why_size, "cannot mount disk %s (%s) as %s: %s", serial, device, kinds[kind].type, strerror(error));
    return error;
}

int disk_release(enum disk_kind kind, const char *serial)
{
    char path[128];
    if (!serial || !is_serial(serial))
        return 0;
    disk_path(kind, serial, path, sizeof path);
    if (!is_mounted(kind, path) || umount2(path, 0) == 0)
        return 0;
    int error = errno;
    log_line("cannot unmount disk %s: %s", serial, strerror(error));
    return error;
}
