#ifndef SEED_H
#define SEED_H

/* Makes an empty folder; what an interrupted seeding left under that name goes, symlinks unfollowed. Returns 0 or an errno. */
int seed_begin(const char *target);
/* Fills an empty folder with a copy of what `source` (any descriptor of a folder) holds: owners, modes, times, extended
 * attributes, symlinks and devices with it; hard links become copies. Returns 0 or an errno. */
int seed_folder(int source, const char *target);

#endif
