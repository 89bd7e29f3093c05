#ifndef TASK_H
#define TASK_H

#include "launch.h"

#include <stdbool.h>
#include <stdint.h>

/* What the agent does itself in a child of its own, in a container's view of its files or, for CHANGES, in the guest's:
 * START_PROCESS with TASK. Nothing of an image is run or loaded for it. */
enum task { TASK_STAT = 1, TASK_PACK, TASK_UNPACK, TASK_CHANGES, TASK_FETCH };

/* Exit codes: what the host is to make of the message on stderr. */
enum task_end { TASK_DONE, TASK_FAILED, TASK_NOT_FOUND, TASK_BAD_PATH, TASK_READ_ONLY, TASK_FULL, TASK_BAD_ARCHIVE };

/* Deeper folders are refused: each is a descriptor. */
#define TASK_DEPTH_MAX 1000

/* The child's part, from its root and identity on: reads stdin, writes stdout, and ends. */
_Noreturn void task_run(const struct launch *launch);

/* For its parts. Says why on stderr, and ends; with the text of an errno, which then gives the exit code, or with a code. */
_Noreturn void task_fail(int error, const char *format, ...) __attribute__((format(printf, 2, 3)));
_Noreturn void task_end(enum task_end code, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Writes all to stdout, or ends. */
void task_write(const void *bytes, size_t length);
/* An O_PATH descriptor of a folder of the container's; ends where there is none. */
int task_folder(const char *path);

#endif
