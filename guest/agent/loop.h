#ifndef LOOP_H
#define LOOP_H

#include <stdbool.h>
#include <stdint.h>

/* A descriptor that the event loop watches, edge-triggered: who is woken reads or writes until EAGAIN. */
struct watch {
    int fd; /* -1: not watched */
    void (*ready)(struct watch *watch, uint32_t events);
    void *owner;
};

void loop_open(void);
/* Returns 0 or an errno. */
int loop_watch(struct watch *watch, int fd, uint32_t events);
/* Also closes the descriptor. */
void loop_close(struct watch *watch);
/* Closes a descriptor once what there is to say has been said: when the next turn begins, or by loop_close_due. */
void loop_close_later(int fd);
void loop_close_due(void);
/* Calls who is ready, and waits for one if it is to. Memory given to loop_free meanwhile is freed at the end. False: nobody was. */
bool loop_turn(bool waits);
/* Frees memory that events of this turn may still point to. */
void loop_free(void *memory);

#endif
