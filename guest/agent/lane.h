#ifndef LANE_H
#define LANE_H

#include "input.h"
#include "output.h"

#include <stdint.h>

/* What the streams port carries under one number: of a process, or of a connection to a socket of the host's. */
struct lane {
    struct lane *next;
    uint32_t id;
    struct input input;        /* stream 0 */
    struct output outputs[2];  /* streams 1 and 2 */
    int output_count;
    void *owner;
    void (*settle)(void *owner); /* the host has acknowledged something of it */
};

extern struct lane *lanes;

struct lane *lane_find(uint32_t id);
/* Fills in and lists an empty one, which is its owner's. */
void lane_add(struct lane *lane, uint32_t id, void *owner, void (*settle)(void *owner));
/* Closes it and takes it off the list. */
void lane_remove(struct lane *lane);

#endif
