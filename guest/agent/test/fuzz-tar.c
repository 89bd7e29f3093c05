/* An archive of a stranger: read to its end, each text and each byte of it. */
#include "source.h"
#include "tar.h"
#include "unpack.h"

#include <stdlib.h>
#include <string.h>

/* A fuzzer finds no checksum by itself. */
static void mend(uint8_t *block)
{
    unsigned int sum = 0;
    memset(block + 148, ' ', 8);
    for (size_t i = 0; i < TAR_BLOCK; i++)
        sum += block[i];
    for (int digit = 5; digit >= 0; digit--, sum >>= 3)
        block[148 + digit] = (uint8_t)('0' + (sum & 7));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size + 1);
    struct tar_reader reader;
    struct tar_entry entry;
    uint8_t bytes[1000];
    if (!copy)
        return 0;
    memcpy(copy, data, size);
    for (size_t at = 0; at + TAR_BLOCK <= size; at += TAR_BLOCK)
        if (copy[at + 148] == '!')
            mend(copy + at);
    struct source source = {.at = copy, .left = size, .piece = size};
    tar_open(&reader, read_source, &source);
    while (tar_next(&reader, &entry) > 0) {
        char *name = strdup(entry.name);
        volatile size_t sum = strlen(entry.link);
        for (size_t i = 0; i < entry.xattr_count; i++)
            for (size_t at = 0; at < entry.xattrs[i].length; at++)
                sum += entry.xattrs[i].value[at] + strlen(entry.xattrs[i].name);
        if (name && unpack_clean(name) && (*name == '/' || strncmp(name, "../", 3) == 0))
            abort();
        free(name);
        if (sum == SIZE_MAX)
            abort();
        while (tar_read(&reader, bytes, sizeof bytes) > 0)
            ;
    }
    tar_close(&reader);
    free(copy);
    return 0;
}
