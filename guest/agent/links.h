#ifndef LINKS_H
#define LINKS_H

#include "buffer.h"

#include <stddef.h>
#include <sys/stat.h>

/* Files with several names, each with the first one. Zeroed, it is empty. */
struct links {
    struct link *slots;
    size_t capacity, count;
    struct buffer names;
};

/* The name with which a file was noted before, until the next call; else notes it with this one and returns NULL. Where there is
 * no room for more it is not noted: it is then copied as often as it has names. */
const char *links_note(struct links *links, const struct stat *status, const char *name);
void links_free(struct links *links);

#endif
