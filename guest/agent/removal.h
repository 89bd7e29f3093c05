#ifndef REMOVAL_H
#define REMOVAL_H

/*
 * Removes a folder of a scratch disk that nothing uses any more, with all in it, in the background: a container may have
 * left many files. What cannot be removed (folders that are nested too deeply) stays, and goes with the disk.
 */
void removal_start(const char *path);

#endif
