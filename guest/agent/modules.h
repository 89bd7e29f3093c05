#ifndef MODULES_H
#define MODULES_H

/* Loads the modules listed in /lib/modules/order, in that order; `loaded` is called after each. */
void modules_load(void (*loaded)(void));

#endif
