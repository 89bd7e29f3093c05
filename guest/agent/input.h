#ifndef INPUT_H
#define INPUT_H

#include "loop.h"
#include "ring.h"

#include <stdbool.h>
#include <stdint.h>

#define INPUT_WINDOW (64U << 10)
/* Of a task, which takes much. */
#define TASK_WINDOW (1U << 20)

/* What a process reads: taken from the host into a ring, and from there into the process's pipe. */
struct input {
    struct watch watch;
    struct ring ring; /* ring.start: all below was taken into the pipe */
    uint64_t told;    /* the offset in the last ACK */
    size_t window;    /* as much is under way at most */
    bool writable;
    bool closed; /* the pipe is gone: what comes is dropped */
    bool eof;    /* the host has ended the stream at ring.end */
    bool eof_done;
    bool terminal;
    bool socket; /* of which the other direction may go on */
};

/* Returns 0 or an errno. Without a descriptor (-1) one may follow by input_watch. */
int input_open(struct input *input, int fd);
int input_watch(struct input *input, int fd);
/* Nobody reads any more. */
void input_close(struct input *input);
void input_data(struct input *input, uint64_t offset, const uint8_t *bytes, size_t length);
void input_eof(struct input *input, uint64_t offset);
void input_drain(struct input *input);
/* All below is taken, one more when the end is. */
uint64_t input_taken(const struct input *input);

#endif
