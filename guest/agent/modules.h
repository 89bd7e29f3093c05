#ifndef MODULES_H
#define MODULES_H

#include <stdbool.h>
#include <stddef.h>

/* Loads the modules listed in /lib/modules/at-once, in that order; `loaded` is called after each. */
void modules_load_at_once(void (*loaded)(void));
/*
 * Those of /lib/modules/file-systems are loaded while the agent has nothing else to do, for the host puts the disks
 * into their slots meanwhile: one at a time, and those that are left when something is asked that may need them.
 */
bool modules_left(void);
void modules_load_one(void);
void modules_load_rest(void);
/* Those of virtiofs: only where it is used, for they cost each boot its time. */
void modules_load_shares(void);
/* Has the kernel know a file system: those that it has not built in lie on a disk of their own, which is waited for at most
 * 10 s. Blocks: for jobs. Returns 0 or an errno. */
int modules_load_file_system(const char *file_system, char *why, size_t why_size);
/* The same for services (IPVS). */
int modules_load_services(char *why, size_t why_size);

#endif
