#include "update.h"

#include "container.h"
#include "files.h"
#include "prepare.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MOST (1U << 20)

static struct mount *find_file(const struct container *container, const char *path)
{
    for (size_t i = 0; i < container->request.mount_count; i++) {
        struct mount *mount = &container->request.mounts[i];
        if (mount->kind == MOUNT_FILE && strcmp(mount->path, path) == 0)
            return mount;
    }
    return NULL;
}

/* Whether the file still is what we wrote: whoever has written to it since knows better. */
static bool is_ours(const struct container *container, const struct mount *file)
{
    char path[256];
    container_file_path(container->id, (size_t)(file - container->request.mounts), path, sizeof path);
    char *text = file_text(path, FILE_MOST);
    bool same = text && strlen(text) == file->length && memcmp(text, file->content, file->length) == 0;
    free(text);
    return same;
}

static int update(struct container *container, const struct mount *wanted)
{
    struct mount *file = find_file(container, wanted->path);
    if (!file)
        return ENOENT;
    if (!is_ours(container, file))
        return 0;
    uint8_t *content = malloc(wanted->length + 1);
    if (!content)
        return ENOMEM;
    if (wanted->length)
        memcpy(content, wanted->content, wanted->length);
    free(file->updated);
    file->content = file->updated = content;
    file->length = wanted->length;
    return prepare_file(container, (size_t)(file - container->request.mounts));
}

int update_files(const struct request *request)
{
    struct container *container = container_find(request->container);
    if (!container || container->state != CONTAINER_READY)
        return ESRCH;
    int error = 0;
    for (size_t i = 0; error == 0 && i < request->mount_count; i++)
        error = request->mounts[i].kind == MOUNT_FILE ? update(container, &request->mounts[i]) : EINVAL;
    return error;
}
