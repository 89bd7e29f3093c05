#ifndef CHANGES_H
#define CHANGES_H

/* A task, in the guest's own view: writes for each file of a container that is not as in its image a letter (A added, C changed,
 * D deleted), its path and a zero byte; a folder after what is in it. Takes the container's number. */
void changes(const char *container);

#endif
