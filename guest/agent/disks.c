#include "disks.h"

#include "files.h"
#include "log.h"
#include "mounts.h"
#include "uevents.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define SERIAL_MAX 64
/* Linux, fs/ext4/ext4.h: the whole file system's blocks. */
#define EXT4_IOC_RESIZE_FS _IOW('f', 16, uint64_t)

/* Nothing in the background: it would begin in each clone anew, when that has just begun, and write what is sparse. */
#define EXT4_OPTIONS "noinit_itable,no_prefetch_block_bitmaps"

static const struct {
    const char *folder, *type, *options;
    unsigned long flags;
} kinds[] = {
    [DISK_IMAGE] = {"/run/images", "erofs", NULL, MS_RDONLY | MS_NOATIME},
    [DISK_SCRATCH] = {"/run/scratch", "ext4", EXT4_OPTIONS, MS_NOATIME},
    [DISK_VOLUME] = {"/run/volumes", "ext4", EXT4_OPTIONS, MS_NOATIME},
    [DISK_MODULES] = {"/run/modules", "ext4", NULL, MS_RDONLY | MS_NOATIME},
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

int disk_find(const char *serial, char *device, size_t size, char *why, size_t why_size)
{
    if (!is_serial(serial)) {
        (void)snprintf(why, why_size, "a disk needs a serial");
        return EINVAL;
    }
    if (uevents_await(search_device, &(struct search){.serial = serial, .device = device, .size = size}))
        return 0;
    (void)snprintf(why, why_size, "there is no disk with the serial %s", serial);
    return ENODEV;
}

int disk_mount(enum disk_kind kind, const char *serial, char *why, size_t why_size)
{
    char device[80], path[128];
    if (!serial || !is_serial(serial)) {
        (void)snprintf(why, why_size, "a container needs the serial of its %s disk", kinds[kind].type);
        return EINVAL;
    }
    disk_path(kind, serial, path, sizeof path);
    if (mounts_have(path))
        return 0;
    int error = disk_find(serial, device, sizeof device, why, why_size);
    if (error)
        return error;
    error = mounts_add(device, path, kinds[kind].type, kinds[kind].flags, kinds[kind].options);
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
    return mounts_remove(path, serial);
}

void disk_grow(enum disk_kind kind, const char *serial, uint64_t bytes)
{
    char path[128];
    struct statvfs state;
    disk_path(kind, serial, path, sizeof path);
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool known = folder >= 0 && fstatvfs(folder, &state) == 0;
    uint64_t blocks = known ? bytes / state.f_bsize : 0;
    if (!known || ioctl(folder, (int)EXT4_IOC_RESIZE_FS, &blocks) != 0)
        log_line("cannot grow the file system of %s: %s", serial, strerror(errno));
    if (folder >= 0)
        (void)close(folder);
}
