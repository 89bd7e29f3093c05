#ifndef EVENTS_H
#define EVENTS_H

#include <stdbool.h>
#include <stdint.h>

struct process;

/* The log of what happened, kept until the host has persisted it. Bounded by the number of processes. */
void event_exit(struct process *process, int signal, bool oom);
void events_acknowledge(uint64_t sequence);
/* Sends everything that is not acknowledged. */
void events_resend(void);
uint64_t events_newest(void);

#endif
