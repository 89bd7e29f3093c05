#ifndef SEED_H
#define SEED_H

/* Fills an empty folder with a copy of what `source` (any descriptor of a folder) holds: owners, modes, times, extended
 * attributes, symlinks and devices with it; hard links become copies. Returns 0 or an errno. */
int seed_folder(int source, const char *target);

#endif
