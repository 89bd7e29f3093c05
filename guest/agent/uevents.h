#ifndef UEVENTS_H
#define UEVENTS_H

#include <stdbool.h>

/* Tries until it succeeds, again at each news of a device, for at most 10 s. Blocks: for jobs. */
bool uevents_await(bool (*attempt)(void *), void *argument);

#endif
