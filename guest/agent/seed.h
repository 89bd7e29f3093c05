#ifndef SEED_H
#define SEED_H

#include <stdbool.h>

/* Makes an empty folder; what an interrupted seeding left under that name goes, symlinks unfollowed. Returns 0 or an errno. */
int seed_begin(const char *target);
/* Whether a folder holds nothing. Returns 0 or an errno. */
int seed_is_empty(const char *folder, bool *empty);
/* Fills an empty folder with a copy of what `source` (any descriptor of a folder) holds: owners, modes, times, extended
 * attributes, symlinks and devices with it; hard links become copies. Returns 0 or an errno. */
int seed_folder(int source, const char *target);

#endif
