#ifndef IDENTITY_H
#define IDENTITY_H

#include "accounts.h"
#include "launch.h"

/* Who the new process is and what it may: steps of child_run, in this order. Each ends the child when it fails. */
void identity_limit(const struct launch *launch);
struct account *identity_find(const struct launch *launch);
/* The pipes are the user's, so that /dev/stdout can be opened. */
void identity_own_stdio(const struct account *account);
void identity_take(const struct launch *launch, const struct account *account);

#endif
