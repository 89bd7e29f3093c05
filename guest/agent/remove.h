#ifndef REMOVE_H
#define REMOVE_H

/* Removes a folder and all in it, never through a symlink. Returns 0 or an errno. */
int remove_tree(int parent, const char *name);

#endif
