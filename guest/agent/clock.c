#include "clock.h"

#include <errno.h>
#include <time.h>

#define SECOND 1000000000ULL
#define TOLERANCE 1000000ULL

static uint64_t read_clock(clockid_t clock)
{
    struct timespec now;
    if (clock_gettime(clock, &now) != 0)
        return 0;
    return (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
}

uint64_t clock_uptime(void)
{
    return read_clock(CLOCK_BOOTTIME);
}

uint64_t clock_realtime(void)
{
    return read_clock(CLOCK_REALTIME);
}

int clock_adjust(uint64_t realtime)
{
    uint64_t now = clock_realtime();
    uint64_t off = now > realtime ? now - realtime : realtime - now;
    if (off <= TOLERANCE)
        return 0;
    if (realtime / SECOND > INT64_MAX / SECOND)
        return EINVAL;
    struct timespec wanted = {.tv_sec = (time_t)(realtime / SECOND), .tv_nsec = (long)(realtime % SECOND)};
    return clock_settime(CLOCK_REALTIME, &wanted) == 0 ? 0 : errno;
}
