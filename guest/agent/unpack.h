#ifndef UNPACK_H
#define UNPACK_H

#include <stdbool.h>

/* A task: unpacks the tar on stdin into a folder that is there. `owners`: those of the archive, else root. `replace`: what is no
 * folder may take the place of a folder, and a folder that of another thing. Ends the process where it fails. */
void unpack(const char *folder, bool owners, bool replace);

/* A name of an archive as a path below a folder, in place: no `.`, no `..`, no slash at either end. False: it leads out. */
bool unpack_clean(char *name);

#endif
