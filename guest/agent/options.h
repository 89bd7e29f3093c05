#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>

/* A mount's options, as a person writes them: words that are flags of mount(2) (`ro`, `exec`, …), and the rest, for the file system. */
struct mount_options {
    unsigned long flags; /* those to begin with, then changed by the words */
    char data[1024];
};

/* False when the text is too long. */
bool options_parse(struct mount_options *options, const char *text);

#endif
