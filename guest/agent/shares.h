#ifndef SHARES_H
#define SHARES_H

#include <stddef.h>

/* Folders of the host, by virtiofs. Mounts the device with this tag, once, waiting for it at most 10 s. Blocks: for jobs.
 * Returns 0 or an errno. */
int share_mount(const char *tag, char *why, size_t why_size);
void share_path(const char *tag, char *path, size_t size);
void share_release(const char *tag);

#endif
