#include "links.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_MAX (16U << 20)
#define SLOTS_MAX (1U << 20)

struct link {
    dev_t device;
    ino_t inode;
    size_t name; /* where it begins in the names, from 1; 0: the slot is empty */
};

static size_t place_of(const struct links *links, dev_t device, ino_t inode)
{
    uint64_t hash = ((uint64_t)inode ^ (uint64_t)device << 48) * 0x9e3779b97f4a7c15U;
    size_t at = (size_t)(hash >> 32) & (links->capacity - 1);
    while (links->slots[at].name && (links->slots[at].device != device || links->slots[at].inode != inode))
        at = (at + 1) & (links->capacity - 1);
    return at;
}

/* Keeps a quarter of the slots empty, so that each search ends. */
static bool make_room(struct links *links)
{
    if (links->count * 4 < links->capacity * 3)
        return true;
    size_t capacity = links->capacity ? 2 * links->capacity : 256;
    struct links larger = {.capacity = capacity, .slots = capacity <= SLOTS_MAX ? calloc(capacity, sizeof *larger.slots) : NULL};
    if (!larger.slots)
        return false;
    for (size_t i = 0; i < links->capacity; i++)
        if (links->slots[i].name)
            larger.slots[place_of(&larger, links->slots[i].device, links->slots[i].inode)] = links->slots[i];
    free(links->slots);
    links->slots = larger.slots;
    links->capacity = capacity;
    return true;
}

const char *links_note(struct links *links, const struct stat *status, const char *name)
{
    if (!links->names.limit)
        buffer_init(&links->names, NAMES_MAX);
    bool room = make_room(links);
    if (!links->capacity)
        return NULL;
    struct link *slot = &links->slots[place_of(links, status->st_dev, status->st_ino)];
    if (slot->name)
        return (const char *)links->names.bytes + slot->name - 1;
    size_t before = links->names.length;
    if (!room)
        return NULL;
    buffer_append(&links->names, name, strlen(name) + 1);
    if (links->names.failed)
        return NULL;
    *slot = (struct link){.device = status->st_dev, .inode = status->st_ino, .name = before + 1};
    links->count++;
    return NULL;
}

void links_free(struct links *links)
{
    free(links->slots);
    buffer_free(&links->names);
    *links = (struct links){0};
}
