#include "unpack.h"

#include <string.h>

bool unpack_clean(char *name)
{
    size_t length = 0;
    for (const char *at = name; *at;) {
        at += strspn(at, "/");
        size_t part = strcspn(at, "/");
        if (part == 2 && at[0] == '.' && at[1] == '.') {
            if (length == 0)
                return false;
            while (length > 0 && name[--length] != '/')
                ;
        } else if (part > 0 && !(part == 1 && at[0] == '.')) {
            if (length > 0)
                name[length++] = '/';
            memmove(name + length, at, part);
            length += part;
        }
        at += part;
    }
    name[length] = 0;
    return true;
}
