#ifndef CHILD_H
#define CHILD_H

#include "launch.h"

/* The new process, from its birth to the command: never returns. */
_Noreturn void child_run(const struct launch *launch);
/* Tells the agent why not, and ends. The message is formatted, and ends with the errno's text when there is one. */
_Noreturn void child_fail(const struct launch *launch, enum failure failure, int error, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
