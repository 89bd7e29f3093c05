#ifndef MODULES_H
#define MODULES_H

/* Loads the modules listed in /lib/modules/order, in that order; `loaded` is called after each. */
void modules_load(void (*loaded)(void));
/* Those of virtiofs: only where it is used, for they cost each boot its time. */
void modules_load_shares(void);

#endif
