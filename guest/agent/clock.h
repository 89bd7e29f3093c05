#ifndef CLOCK_H
#define CLOCK_H

#include <stdint.h>

uint64_t clock_uptime(void);   /* ns since boot */
uint64_t clock_realtime(void); /* ns since 1970 */

/* Sets the time of day when it is off by more than 1 ms. Returns 0 or an errno. */
int clock_adjust(uint64_t realtime);

#endif
