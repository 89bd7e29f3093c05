#ifndef COMMAND_H
#define COMMAND_H

#include "launch.h"

#include <limits.h>
#include <stdbool.h>

/* Finds it as execvp would, in these folders or, where they are NULL, in the usual ones. False: there is none. */
bool command_find(const char *name, const char *folders, char path[PATH_MAX]);
/* Becomes the command, found by the process's own PATH. */
_Noreturn void command_execute(const struct launch *launch, const char *home);
/* The errno's text in the words of Docker's messages, which begin with a small letter. */
const char *command_error(int error);

#endif
