#include "filesystems.h"

#include "disks.h"
#include "files.h"
#include "modules.h"
#include "mounts.h"
#include "superblock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#define DEVICE_SIZE 112
#define PARTITIONS_MAX 128

void filesystem_path(const struct mount *mount, char *path, size_t size)
{
    char disk[100];
    disk_path(DISK_VOLUME, mount->name, disk, sizeof disk);
    if (mount->partition)
        (void)snprintf(path, size, "%s-%" PRIu64, disk, mount->partition);
    else
        (void)snprintf(path, size, "%s", disk);
}

/* What is on a device; the kernel has looked for its partitions when it is open. */
static int look(const char *device, struct superblock *found)
{
    uint8_t *bytes = malloc(SUPERBLOCK_BYTES);
    if (!bytes)
        return ENOMEM;
    int fd = open(device, O_RDONLY | O_CLOEXEC);
    size_t length = 0;
    ssize_t part = fd < 0 ? -1 : 1;
    while (part > 0 && length < SUPERBLOCK_BYTES) {
        part = pread(fd, bytes + length, SUPERBLOCK_BYTES - length, (off_t)length);
        length += part > 0 ? (size_t)part : 0;
    }
    int error = part < 0 ? errno : 0;
    *found = superblock_find(bytes, length);
    if (fd >= 0)
        (void)close(fd);
    free(bytes);
    return error;
}

static int fail(const struct mount *mount, char *why, size_t why_size, int error, const char *problem)
{
    (void)snprintf(why, why_size, "disk %s: %s", mount->name, problem);
    return error;
}

/* The device that the file system is on, and what it is. */
static int find(const struct mount *mount, char device[DEVICE_SIZE], struct superblock *found, char *why, size_t why_size)
{
    int error = disk_find(mount->name, device, DEVICE_SIZE, why, why_size);
    if (error == 0 && (error = look(device, found)) != 0)
        return fail(mount, why, why_size, error, strerror(error));
    if (error || !mount->partition)
        return error;
    char number[32], problem[64];
    (void)snprintf(number, sizeof number, "%" PRIu64, mount->partition);
    if (mount->partition <= PARTITIONS_MAX)
        (void)strncat(device, number, DEVICE_SIZE - strlen(device) - 1);
    if (mount->partition > PARTITIONS_MAX || (error = look(device, found)) == ENOENT) {
        (void)snprintf(problem, sizeof problem, "it has no partition %s", number);
        return fail(mount, why, why_size, ENODEV, problem);
    }
    return error ? fail(mount, why, why_size, error, strerror(error)) : 0;
}

static bool is_read_only(const char *serial_device)
{
    char path[160];
    (void)snprintf(path, sizeof path, "/sys/class/block/%.100s/ro", serial_device + strlen("/dev/"));
    char *text = file_text(path, 64);
    bool read_only = text && *text == '1';
    free(text);
    return read_only;
}

int filesystem_mount(const struct mount *mount, char *why, size_t why_size)
{
    char device[DEVICE_SIZE], path[128], problem[200];
    struct superblock found;
    filesystem_path(mount, path, sizeof path);
    if (mounts_have(path))
        return 0;
    int error = find(mount, device, &found, why, why_size);
    if (error)
        return error;
    const char *type = mount->fstype ? mount->fstype : found.type;
    if (!type)
        return fail(mount, why, why_size, EINVAL, found.problem);
    error = modules_load_file_system(type, why, why_size);
    if (error)
        return error;
    bool read_only = is_read_only(device);
    error = mounts_add(device, path, type, MS_NOATIME | MS_NODEV | (read_only ? MS_RDONLY : 0), NULL);
    if (error) {
        const char *hint = read_only ? " (if its journal is to be played back, mount it once without ro)" : "";
        (void)snprintf(problem, sizeof problem, "cannot be mounted as %.20s: %.60s%s", type, strerror(error), hint);
        return fail(mount, why, why_size, error, problem);
    }
    return 0;
}

int filesystem_release(const struct mount *mount)
{
    char path[128];
    filesystem_path(mount, path, sizeof path);
    return mounts_remove(path, mount->name);
}
