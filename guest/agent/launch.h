#ifndef LAUNCH_H
#define LAUNCH_H

#include "process.h"
#include "request.h"

#include <stdbool.h>
#include <stdint.h>

enum failure { FAILURE_NOT_FOUND = 1, FAILURE_NOT_EXECUTABLE, FAILURE_OTHER };

/* What the new process tells the agent before it becomes the command. The end of the socket says: it has. */
struct launch_report {
    enum { REPORT_TERMINAL = 1, REPORT_FAILURE } kind; /* a terminal comes with its descriptor */
    uint32_t failure;
    int32_t error;
    char text[400];
};

/* All that the new process needs to know. */
struct launch {
    const struct request *request;
    const struct container *container; /* NULL: the guest itself */
    bool init;                         /* the first of its container */
    bool own_root;                     /* it makes the root and the namespaces that it is in */
    int report;
    int stdio[3]; /* its ends of the pipes; -1: /dev/null, or the terminal */
};

void launch_open(void);
/* START_PROCESS: answers at once when it cannot be, else when the command runs or has failed to. `message`: the same, as it came. */
void launch_process(const struct request *request, const struct message *message);
/* The new process is dead: what did it report? */
void launch_settle(struct process *process);

#endif
