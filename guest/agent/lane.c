#include "lane.h"

#include <stddef.h>

struct lane *lanes;

struct lane *lane_find(uint32_t id)
{
    struct lane *lane = lanes;
    while (lane && lane->id != id)
        lane = lane->next;
    return lane;
}

void lane_add(struct lane *lane, uint32_t id, void *owner, void (*settle)(void *owner))
{
    *lane = (struct lane){.next = lanes, .id = id, .owner = owner, .settle = settle};
    lane->input.watch.fd = -1;
    lane->outputs[0].watch.fd = -1;
    lane->outputs[1].watch.fd = -1;
    lanes = lane;
}

void lane_remove(struct lane *lane)
{
    struct lane **link = &lanes;
    while (*link != lane)
        link = &(*link)->next;
    *link = lane->next;
    input_close(&lane->input);
    output_close(&lane->outputs[0]);
    output_close(&lane->outputs[1]);
}
