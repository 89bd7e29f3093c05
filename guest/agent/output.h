#ifndef OUTPUT_H
#define OUTPUT_H

#include "loop.h"
#include "ring.h"

#include <stdbool.h>
#include <stdint.h>

#define OUTPUT_WINDOW (1U << 20)

/* What a process writes: read from its pipe into a ring, sent from there, kept until acknowledged. */
struct output {
    struct watch watch;
    struct ring ring;
    uint64_t sent;   /* offset of the next byte to send */
    uint64_t last;   /* once the process has ended: read no further than here */
    bool readable;   /* the pipe may hold more */
    bool draining;   /* the process has ended: an empty pipe is the end */
    bool ended;      /* nothing follows ring.end */
    bool eof_sent;
    bool eof_acknowledged;
};

/* Returns 0 or an errno. Without a descriptor (-1) one may follow by output_watch. */
int output_open(struct output *output, int fd);
int output_watch(struct output *output, int fd);
void output_close(struct output *output);
/* Reads what the pipe holds, as far as there is room. */
void output_fill(struct output *output);
/* The process has ended: what it wrote is read, then the stream ends. */
void output_drain(struct output *output);
/* The stream ends at its present length; the process gets EPIPE. */
void output_end(struct output *output);
/* The host has persisted all below `offset`. */
void output_acknowledge(struct output *output, uint64_t offset);
/* A new connection: send again what was not acknowledged. */
void output_resend(struct output *output);

#endif
