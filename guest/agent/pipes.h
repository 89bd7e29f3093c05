#ifndef PIPES_H
#define PIPES_H

#include <stdbool.h>

/* Less waking of agent and process in turn than with the usual 64 KiB. */
#define PIPE_BYTES (256 << 10)

/* Between the agent and a process that it starts; -1: there is none. */
struct pipes {
    int ours[3], theirs[3]; /* stdin, stdout, stderr */
    int our_report, their_report; /* a socket: what becomes of the start */
};

/* Returns 0 or an errno, with nothing open. */
int pipes_open(struct pipes *pipes, const bool wanted[3]);
/* Closes our ends of those that are not wanted. */
void pipes_choose(struct pipes *pipes, const bool wanted[3]);
/* Closes what is still open. */
void pipes_close(struct pipes *pipes);
/* Closes their ends, which the process has. */
void pipes_give(struct pipes *pipes);

#endif
