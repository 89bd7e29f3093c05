#ifndef FETCH_H
#define FETCH_H

/*
 * A task: reads what a command will need of the container's files, so that they are in memory when it starts: the accounts,
 * the program, its interpreter or loader, and libc. What cannot be read is left out. What is not written yet is written.
 * `folders` as in PATH; empty: the usual ones.
 */
void fetch(const char *command, const char *folders);

#endif
