#ifndef CHECK_H
#define CHECK_H

#include <stdbool.h>

#define CHECK(condition) check((condition), #condition, __FILE__, __LINE__)

void check(bool good, const char *what, const char *file, int line);

/* The parts of unit.c that stand in files of their own. */
void check_requests(void);

#endif
