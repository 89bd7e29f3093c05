/* The first bytes of any disk. */
#include "superblock.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct superblock found = superblock_find(data, size);
    if (!found.type == !found.problem)
        abort();
    return 0;
}
