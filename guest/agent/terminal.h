#ifndef TERMINAL_H
#define TERMINAL_H

#include "launch.h"

/* Opens a terminal in the devpts of where the process is, gives its other end to the agent, makes it stdin, stdout, stderr. */
void terminal_open(const struct launch *launch);

#endif
