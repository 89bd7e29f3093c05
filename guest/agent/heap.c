#include "heap.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define UNIT 16
#define HEADER 4
#define BLOCKS 4

/* The sizes of musl's mallocng, in its units, to 8 KiB: larger ones are rare. One that it has no more costs nothing. */
static const uint16_t sizes[] = {1,  2,  3,  4,  5,  6,  7,  8,   9,   10,  12,  15,  18,  20,  25,  31,
                                 36, 42, 50, 63, 72, 84, 102, 127, 146, 170, 204, 255, 292, 340, 409, 511};

void heap_open(void)
{
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        void *volatile blocks[BLOCKS];
        for (int i = 0; i < BLOCKS; i++)
            blocks[i] = malloc((size_t)sizes[s] * UNIT - HEADER);
        /* The first and the last stay, and with them the groups that the others are in. */
        for (int i = 1; i < BLOCKS - 1; i++)
            free(blocks[i]);
    }
}
