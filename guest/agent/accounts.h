#ifndef ACCOUNTS_H
#define ACCOUNTS_H

#include <stddef.h>
#include <sys/types.h>

#define GROUPS_MAX 1024

/* Who a process runs as: `USER` of the protocol looked up in a passwd and a group file, by Docker's rules. */
struct account {
    uid_t uid;
    gid_t gid;
    char home[256];
    gid_t groups[GROUPS_MAX];
    size_t group_count;
};

/* The files' texts, each ended by a zero byte, may be changed. Returns 0 or -1 with the reason in `why`. */
int account_find(struct account *account, const char *user, char *passwd, char *group, char *why, size_t why_size);

#endif
