#ifndef CONTAINER_H
#define CONTAINER_H

#include "cgroup.h"
#include "pipes.h"
#include "request.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct process;

/* The cgroup's the process makes itself, a moment after its birth. */
enum { NAMESPACE_PID, NAMESPACE_MOUNT, NAMESPACE_CGROUP, NAMESPACE_COUNT, NAMESPACES_BORN_WITH = NAMESPACE_CGROUP };

/* A root file system and what is to be mounted in it; while its first process lives, also its namespaces. */
struct container {
    struct container *next;
    uint64_t id;
    enum { CONTAINER_CREATING = 1, CONTAINER_READY, CONTAINER_DESTROYING } state;
    bool has_root;          /* its root and cgroup are there */
    struct request request; /* CREATE_CONTAINER's, which lies in `message` */
    uint8_t *message;
    struct message create; /* the same as it came, while a process may have to be told */
    uint64_t waiting_request; /* the id to answer when the job is done */
    struct process *init;
    int namespaces[NAMESPACE_COUNT]; /* -1: nothing has been started in them yet, or the first process does not run */
    int cgroup;
    struct oom_count oom;
    struct {
        pid_t pid; /* 0: there is none */
        int orders, messages;
        struct pipes pipes;
    } stage; /* the process that waits to be its first one */
};

extern struct container *containers;

/* CREATE_CONTAINER and DESTROY_CONTAINER; both answer when done. */
void container_create(uint8_t *message, size_t length);
void container_destroy(uint64_t id, uint64_t request);
/* NULL where there is none. */
struct container *container_find(uint64_t id);
/* The container, if a process can be started in it now; else NULL and why. */
struct container *container_for_start(uint64_t id, const char **why);
/* Holds the first ones of a process's: the mount namespace then outlives it. False, and none is held, where it has gone. */
bool container_open_namespaces(struct container *container, pid_t pid, size_t count);
void container_close_namespaces(struct container *container);
/* The process is gone; with its first process a container loses its namespaces. */
void container_lose(struct container *container, const struct process *process);
/* Where its root file system is mounted in the agent's namespace. */
void container_path(uint64_t id, const char *name, char *path, size_t size);
/* What is behind the FILE of this number among its mounts. */
void container_file_path(uint64_t id, size_t number, char *path, size_t size);

#endif
