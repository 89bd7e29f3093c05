#ifndef FILES_H
#define FILES_H

#include <stdbool.h>
#include <stddef.h>

/* Small files of /proc, /sys and the like. */

/* The whole text, ended by a zero byte, to be freed; NULL when it cannot be read or is larger than `most`. */
char *file_text(const char *path, size_t most);
/* The same of what may hold zero bytes. */
char *file_bytes(const char *path, size_t most, size_t *length);
/* Returns 0 or an errno. */
int file_write(const char *path, const void *bytes, size_t length);
int file_write_text(const char *path, const char *text);
/* What an image's path is inside `root`, whatever symlinks say: an O_PATH descriptor, or -1 with errno. */
int file_resolve(int root, const char *path);
/* The same, and what is missing is made: folders, and at the end a folder or an empty file. */
int file_resolve_or_make(int root, const char *path, bool folder);

#endif
