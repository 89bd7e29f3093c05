#ifndef BOUNDED_H
#define BOUNDED_H

/* Calls that may wait for a server for ever are made by a helper, which is given up after a while. */

/* The work's errno; ETIMEDOUT when it took longer than so many milliseconds: the helper is killed then, and goes when the
 * kernel lets it. */
int bounded_run(int (*work)(void *), void *argument, int milliseconds);

#endif
