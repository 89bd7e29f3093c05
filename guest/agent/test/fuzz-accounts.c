/* Any passwd and group file of an image, and any USER: three texts, parted by zero bytes. */
#include "accounts.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct account account;
    char why[128];
    char *texts = malloc(size + 3);
    if (!texts)
        return 0;
    if (size)
        memcpy(texts, data, size);
    memset(texts + size, 0, 3);
    const char *user = texts;
    char *passwd = texts + strlen(user) + 1;
    char *group = passwd < texts + size ? passwd + strlen(passwd) + 1 : passwd;
    if (account_find(&account, user, passwd, group, why, sizeof why) == 0 &&
        (account.group_count > GROUPS_MAX || strlen(account.home) >= sizeof account.home || account.uid > INT32_MAX || account.gid > INT32_MAX))
        abort();
    free(texts);
    return 0;
}
