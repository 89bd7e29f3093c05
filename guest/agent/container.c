#include "container.h"

#include "cgroup.h"
#include "control.h"
#include "disks.h"
#include "filesystems.h"
#include "job.h"
#include "loop.h"
#include "prepare.h"
#include "process.h"
#include "removal.h"
#include "shares.h"
#include "sockets.h"
#include "stage.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONTAINERS_MAX 256

struct container *containers;

struct container *container_find(uint64_t id)
{
    struct container *container = containers;
    while (container && container->id != id)
        container = container->next;
    return container;
}

void container_path(uint64_t id, const char *name, char *path, size_t size)
{
    (void)snprintf(path, size, "/run/containers/%" PRIu64 "/%s", id, name);
}

void container_file_path(uint64_t id, size_t number, char *path, size_t size)
{
    char name[32];
    (void)snprintf(name, sizeof name, "files/%zu", number);
    container_path(id, name, path, size);
}

/* The last one to close a mount namespace takes it apart, for 4 ms in a clone: not before the host has heard of an exit. */
void container_close_namespaces(struct container *container)
{
    for (int i = 0; i < NAMESPACE_COUNT; i++) {
        if (container->namespaces[i] >= 0)
            loop_close_later(container->namespaces[i]);
        container->namespaces[i] = -1;
    }
}

bool container_open_namespaces(struct container *container, pid_t pid, size_t count)
{
    static const char *const names[NAMESPACE_COUNT] = {"pid", "mnt", "cgroup"};
    char path[64];
    for (size_t i = 0; i < count; i++) {
        if (container->namespaces[i] >= 0)
            continue;
        (void)snprintf(path, sizeof path, "/proc/%d/ns/%s", pid, names[i]);
        container->namespaces[i] = open(path, O_RDONLY | O_CLOEXEC);
        if (container->namespaces[i] < 0) { /* it has ended already */
            container_close_namespaces(container);
            return false;
        }
    }
    return true;
}

static bool same_disk(const char *one, const char *other)
{
    return one && other && strcmp(one, other) == 0;
}

static void release_mount(const struct mount *mount, const struct container *gone, int *error)
{
    if (mount->kind != MOUNT_SHARE && mount->kind != MOUNT_DISK && mount->kind != MOUNT_FILE_SYSTEM)
        return;
    for (const struct container *container = containers; container; container = container->next)
        for (size_t i = 0; container != gone && i < container->request.mount_count; i++)
            if (same_disk(container->request.mounts[i].name, mount->name))
                return;
    if (mount->kind == MOUNT_SHARE) {
        share_release(mount->name);
        return;
    }
    int failed = mount->kind == MOUNT_DISK ? disk_release(DISK_VOLUME, mount->name) : filesystem_release(mount);
    *error = *error ? *error : failed;
}

static bool others_have_scratch(const struct container *one)
{
    for (const struct container *container = containers; container; container = container->next)
        if (container != one && same_disk(container->request.scratch, one->request.scratch))
            return true;
    return false;
}

/* A disk that no other container uses is unmounted: the host may put another one in its place. */
static int release_disks(const struct container *gone)
{
    bool root_used = false, scratch_used = others_have_scratch(gone);
    for (const struct container *container = containers; container; container = container->next)
        root_used |= container != gone && same_disk(container->request.root, gone->request.root);
    int error = 0;
    for (size_t i = 0; i < gone->request.mount_count; i++)
        release_mount(&gone->request.mounts[i], gone, &error);
    int root = root_used ? 0 : disk_release(DISK_IMAGE, gone->request.root);
    int scratch = scratch_used ? 0 : disk_release(DISK_SCRATCH, gone->request.scratch);
    return error ? error : root ? root : scratch;
}

static void drop(struct container *container)
{
    struct container **link = &containers;
    while (*link != container)
        link = &(*link)->next;
    *link = container->next;
    request_free(&container->request);
    free(container->message);
    free(container->create.bytes);
    free(container);
}

static void forget(struct container *container)
{
    for (struct process *process = processes; process; process = process->next)
        if (process->container == container)
            process->container = NULL;
    sockets_close(container->id);
    stage_end(container);
    container_close_namespaces(container);
    if (container->cgroup >= 0)
        (void)close(container->cgroup);
    if (container->oom.events >= 0)
        (void)close(container->oom.events);
    cgroup_remove(container->id);
    drop(container);
}

static void on_created(void *argument, int error, const char *why)
{
    struct container *container = argument;
    uint64_t request = container->waiting_request;
    bool standby = container->request.standby;
    if (error == 0 && container->cgroup < 0) {
        container->cgroup = cgroup_open(container->id);
        error = container->cgroup < 0 ? errno : cgroup_watch_memory(container->id, &container->oom);
    }
    container->state = CONTAINER_READY;
    container->has_root = true;
    if (error) {
        (void)release_disks(container);
        forget(container);
    }
    reply_plain(request, error, why);
    if (error == 0 && standby)
        stage_begin(container);
}

static struct container *add(const uint8_t *message, size_t length)
{
    struct container *container = calloc(1, sizeof *container);
    uint8_t *copy = malloc(length);
    if (!container || !copy) {
        free(container);
        free(copy);
        return NULL;
    }
    memcpy(copy, message, length);
    container->message = copy;
    container->state = CONTAINER_CREATING;
    container->cgroup = -1;
    container->oom.events = -1;
    container->stage.messages = -1;
    for (int i = 0; i < NAMESPACE_COUNT; i++)
        container->namespaces[i] = -1;
    container->next = containers;
    containers = container;
    return container;
}

static void prepare(struct container *container)
{
    char why[256] = "";
    container->waiting_request = container->request.id;
    container->state = CONTAINER_CREATING;
    int error = sockets_open(container);
    if (error == 0 && prepare_waits(container)) {
        error = job_start(prepare_container, on_created, container);
        if (error == 0)
            return;
    } else if (error == 0) {
        error = prepare_container(container, why);
    }
    on_created(container, error, why);
}

/* A container that stands by becomes what the newcomer says; which is then no more. */
static bool complete(struct container *standby, struct container *newcomer)
{
    if (!standby->request.standby || newcomer->request.standby || standby->state != CONTAINER_READY || standby->init ||
        !same_disk(standby->request.root, newcomer->request.root) || !same_disk(standby->request.scratch, newcomer->request.scratch))
        return false;
    struct container before = *standby;
    standby->request = newcomer->request;
    standby->message = newcomer->message;
    standby->create = newcomer->create;
    newcomer->request = before.request;
    newcomer->message = before.message;
    newcomer->create = before.create;
    drop(newcomer);
    prepare(standby);
    return true;
}

/* The container is there already: the request is thereby answered, or will be. */
static void answer_existing(struct container *container, uint64_t request, bool completes)
{
    if (container->state == CONTAINER_CREATING)
        container->waiting_request = request;
    else
        reply_plain(request, container->state == CONTAINER_READY && !(completes && container->request.standby) ? 0 : EBUSY, NULL);
}

void container_create(uint8_t *message, size_t length)
{
    size_t count = 0;
    for (const struct container *other = containers; other; other = other->next)
        count++;
    struct container *container = count < CONTAINERS_MAX ? add(message, length) : NULL;
    if (!container) {
        struct request request; /* only for the id to answer */
        (void)request_decode(&request, message, length);
        reply_plain(request.id, EAGAIN, "no room for a container");
        request_free(&request);
        return;
    }
    int error = request_decode(&container->request, container->message, length);
    uint64_t request = container->request.id;
    struct container *existing = error ? NULL : container_find(container->request.container);
    if (error == 0 && (container->request.standby || (existing && existing->stage.pid > 0)))
        container->create = message_copy(message, length);
    if (error || container->request.container == 0) {
        drop(container);
        reply_plain(request, error ? error : EINVAL, error ? NULL : "container 0 is the guest itself");
    } else if (!existing) {
        container->id = container->request.container;
        prepare(container);
    } else if (!complete(existing, container)) {
        bool completes = !container->request.standby;
        drop(container);
        answer_existing(existing, request, completes);
    }
}

static void on_destroyed(void *argument, int error, const char *why)
{
    struct container *container = argument;
    uint64_t request = container->waiting_request;
    processes_reap(); /* their exits still want to know about the container */
    if (error == 0) { /* its namespaces, which hold its disks, also of one that is not reaped yet */
        stage_end(container);
        container_close_namespaces(container);
    }
    loop_close_due();
    int busy = error ? 0 : release_disks(container);
    if (error == 0 && busy == 0) {
        char files[256];
        bool stays = others_have_scratch(container);
        prepare_scratch_path(container, "", files, sizeof files);
        forget(container);
        if (stays)
            removal_start(files);
    } else {
        container->state = CONTAINER_READY; /* to be destroyed again */
    }
    reply_plain(request, error ? error : busy, busy ? "a disk of the container cannot be unmounted" : why);
}

void container_destroy(uint64_t id, uint64_t request)
{
    struct container *container = container_find(id);
    if (!container) {
        reply_plain(request, 0, NULL); /* destroyed before */
        return;
    }
    if (container->state == CONTAINER_CREATING) {
        reply_plain(request, EBUSY, "the container is being created");
        return;
    }
    container->waiting_request = request;
    if (container->state == CONTAINER_DESTROYING)
        return;
    container->state = CONTAINER_DESTROYING;
    int error = job_start(prepare_destruction, on_destroyed, container);
    if (error) {
        container->state = CONTAINER_READY;
        reply_plain(request, error, NULL);
    }
}

struct container *container_for_start(uint64_t id, const char **why)
{
    struct container *container = container_find(id);
    *why = "there is no such container";
    if (!container)
        return NULL;
    *why = "the container is being created or destroyed";
    if (container->state != CONTAINER_READY)
        return NULL;
    *why = "the container's first process does not run";
    /* Only now, for most containers have that one process. */
    if (container->init && !(container->init->state == PROCESS_RUNNING && container_open_namespaces(container, container->init->pid, NAMESPACE_COUNT)))
        return NULL;
    return container;
}

void container_lose(struct container *container, const struct process *process)
{
    if (container->init != process)
        return;
    container->init = NULL;
    container_close_namespaces(container);
    if (container->request.standby && container->state == CONTAINER_READY)
        stage_begin(container);
}
