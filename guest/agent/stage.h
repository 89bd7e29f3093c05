#ifndef STAGE_H
#define STAGE_H

#include "launch.h"
#include "pipes.h"

#include <stdbool.h>
#include <sys/types.h>

struct container;

/*
 * A process that waits to become the first one of a container that stands by: its namespaces are there, and what every
 * container has mounted. What belongs to the pod it is told when it is taken.
 */

/* Has one wait for the container, if that can be: a start needs none. */
void stage_begin(struct container *container);
/* Ends the one that waits, if there is one. */
void stage_end(struct container *container);
/* Whether one waits that can become what the launch asks for. */
bool stage_fits(const struct launch *launch);
/* It becomes what START_PROCESS says, with these of its pipes: its pid, and our ends of all; -1, and none waits, where it could not be told. */
pid_t stage_take(struct container *container, const struct message *start, const bool stdio[3], struct pipes *pipes);
/* Whether one waits at all. */
bool stage_waits(void);
/* A child has ended that may be one that waited. */
void stage_lost(pid_t pid);

#endif
