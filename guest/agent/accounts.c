#include "accounts.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define ID_MAX 2147483647U
#define COLUMNS 7

/* Splits off the next line, without its newline; NULL at the end. */
static char *next_line(char **text)
{
    if (!*text || !**text)
        return NULL;
    return strsep(text, "\n");
}

/* Splits a line at colons, the last column keeping the rest; absent columns are empty. */
static void split(char *line, char *columns[], size_t count)
{
    static char empty[] = "";
    for (size_t i = 0; i < count; i++) {
        char *column = line ? strsep(&line, ":") : NULL;
        columns[i] = column ? column : empty;
    }
}

static bool parse_id(const char *text, uint32_t *id)
{
    uint64_t value = 0;
    if (!*text)
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return false;
        value = value * 10 + (uint64_t)(*text - '0');
        if (value > ID_MAX)
            return false;
    }
    *id = (uint32_t)value;
    return true;
}

static bool is_number(const char *text)
{
    return *text && text[strspn(text, "0123456789")] == 0;
}

static bool find_user(struct account *account, const char *user, char *passwd, char name[64])
{
    uint32_t wanted = 0;
    bool numeric = parse_id(user, &wanted);
    for (char *line; (line = next_line(&passwd));) {
        char *columns[COLUMNS];
        uint32_t uid, gid;
        split(line, columns, COLUMNS);
        if (!parse_id(columns[2], &uid) || !parse_id(columns[3], &gid))
            continue;
        if (strcmp(columns[0], user) != 0 && !(numeric && uid == wanted))
            continue;
        account->uid = uid;
        account->gid = gid;
        (void)snprintf(account->home, sizeof account->home, "%s", columns[5][0] ? columns[5] : "/");
        (void)snprintf(name, 64, "%s", columns[0]);
        return true;
    }
    return false;
}

static bool lists(char *members, const char *name)
{
    for (char *member; (member = strsep(&members, ","));)
        if (strcmp(member, name) == 0)
            return true;
    return false;
}

/* The group called `wanted`, or, when that is NULL, every group that lists `member`. */
static bool find_groups(struct account *account, const char *wanted, const char *member, char *group)
{
    uint32_t number = 0;
    bool numeric = wanted && parse_id(wanted, &number);
    for (char *line; (line = next_line(&group));) {
        char *columns[4];
        uint32_t gid;
        split(line, columns, 4);
        if (!parse_id(columns[2], &gid))
            continue;
        if (wanted && (strcmp(columns[0], wanted) == 0 || (numeric && gid == number))) {
            account->gid = gid;
            return true;
        }
        if (!wanted && member[0] && lists(columns[3], member) && account->group_count < GROUPS_MAX)
            account->groups[account->group_count++] = gid;
    }
    return false;
}

static int refuse(char *why, size_t size, const char *what, const char *name, const char *file)
{
    if (is_number(name))
        (void)snprintf(why, size, "uids and gids must be in range 0-2147483647");
    else
        (void)snprintf(why, size, "unable to find %s %s: no matching entries in %s file", what, name, file);
    return -1;
}

int account_find(struct account *account, const char *user, char *passwd, char *group, char *why, size_t why_size)
{
    char name[64] = "", copy[256];
    *account = (struct account){.home = "/"};
    if (strlen(user) >= sizeof copy) {
        (void)snprintf(why, why_size, "the user's name is too long");
        return -1;
    }
    (void)snprintf(copy, sizeof copy, "%s", user);
    char *group_part = copy;
    const char *user_part = strsep(&group_part, ":");
    if (!*user_part)
        user_part = "0";
    if (!find_user(account, user_part, passwd, name) && !parse_id(user_part, &account->uid))
        return refuse(why, why_size, "user", user_part, "passwd");
    if (!group_part || !*group_part) {
        (void)find_groups(account, NULL, name, group);
        return 0;
    }
    if (!find_groups(account, group_part, NULL, group) && !parse_id(group_part, &account->gid))
        return refuse(why, why_size, "group", group_part, "group");
    return 0;
}
