#include "shares.h"

#include "log.h"
#include "modules.h"
#include "uevents.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#define FOLDER "/run/shares"
#define TAG_MAX_LENGTH 36 /* virtio_fs_config */
#define FUSE_MAGIC 0x65735546U

void share_path(const char *tag, char *path, size_t size)
{
    (void)snprintf(path, size, FOLDER "/%s", tag);
}

static bool is_tag(const char *tag)
{
    size_t length = strlen(tag);
    return length > 0 && length <= TAG_MAX_LENGTH && tag[0] != '.' && !strchr(tag, '/');
}

static bool is_mounted(const char *path)
{
    struct statfs status;
    return statfs(path, &status) == 0 && (uint32_t)status.f_type == FUSE_MAGIC;
}

struct attempt {
    const char *tag, *path;
    int error;
};

/*
 * The kernel says EINVAL as long as it has no device of that tag. A device's node in a folder of the host means one of the
 * host's: by its number the guest would open one of its own.
 */
static bool try_mount(void *argument)
{
    struct attempt *attempt = argument;
    attempt->error = mount(attempt->tag, attempt->path, "virtiofs", MS_NODEV, NULL) == 0 ? 0 : errno;
    return attempt->error != EINVAL;
}

int share_mount(const char *tag, char *why, size_t why_size)
{
    char path[128];
    if (!is_tag(tag)) {
        (void)snprintf(why, why_size, "a share needs a tag");
        return EINVAL;
    }
    share_path(tag, path, sizeof path);
    if (is_mounted(path))
        return 0;
    modules_load_shares();
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return errno;
    struct attempt attempt = {.tag = tag, .path = path, .error = EINVAL};
    if (!uevents_await(try_mount, &attempt)) {
        (void)snprintf(why, why_size, "there is no share with the tag %s", tag);
        return ENODEV;
    }
    if (attempt.error)
        (void)snprintf(why, why_size, "cannot mount share %s: %s", tag, strerror(attempt.error));
    return attempt.error;
}

void share_release(const char *tag)
{
    char path[128];
    if (!is_tag(tag))
        return;
    share_path(tag, path, sizeof path);
    if (is_mounted(path) && umount2(path, MNT_DETACH) != 0)
        log_line("cannot unmount share %s: %s", tag, strerror(errno));
}
