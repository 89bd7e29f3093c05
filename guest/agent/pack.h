#ifndef PACK_H
#define PACK_H

#include <stdbool.h>

/* Tasks: each ends the process where it fails. */

/* Writes what NAME in FOLDER is: a line `mode size seconds length` (octal; decimal), then where a symlink points to, of so many bytes. */
void pack_stat(const char *folder, const char *name);
/* The same, then a tar of it, in which it is called AS. `one_file_system`: what is mounted in it is empty. */
void pack(const char *folder, const char *name, const char *as, bool one_file_system);

#endif
