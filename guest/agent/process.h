#ifndef PROCESS_H
#define PROCESS_H

#include "lane.h"
#include "request.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define PROCESSES_MAX 1024

struct container;

/* One process that the host asked for, from its request until the host has all of its output and its exit. */
struct process {
    struct process *next;
    struct container *container; /* NULL: the guest itself, or the container is destroyed */
    uint64_t container_id;
    enum { PROCESS_STARTING = 1, PROCESS_RUNNING, PROCESS_EXITED } state;
    pid_t pid;
    bool terminal;
    bool reaped; /* pid may be another's now */
    int wait_status;
    uint8_t code;
    uint64_t oom_kills; /* of its cgroup, when it started */
    bool exit_acknowledged;
    uint64_t start_request; /* the id to answer, while starting */
    struct watch launch;    /* tells what became of the start */
    struct lane lane;       /* stdin; stdout, or the terminal; stderr */
};

extern struct process *processes;

struct process *process_find(uint64_t id);
/* Adds an empty one; NULL when there are too many or no memory. */
struct process *process_add(uint32_t id);
/* Closes and forgets at once: the start failed. */
void process_remove(struct process *process);
/* Forgets when nothing more is owed to the host. */
void process_settle(struct process *process);
/* Both return 0 or an errno. */
/* `group`: those in its process group too, which it leads. */
int process_signal(struct process *process, uint64_t signal, bool group);
int process_resize(struct process *process, uint64_t rows, uint64_t columns);
/* Takes in the children that have ended. */
void processes_reap(void);
/* The process has ended and was started: notes it and tells the host. */
void process_exited(struct process *process);

#endif
