#ifndef COMMAND_H
#define COMMAND_H

#include "launch.h"

/* Becomes the command, found by the process's own PATH. */
_Noreturn void command_execute(const struct launch *launch, const char *home);
/* The errno's text in the words of Docker's messages, which begin with a small letter. */
const char *command_error(int error);

#endif
