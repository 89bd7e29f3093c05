#ifndef CHECK_H
#define CHECK_H

#include <stdbool.h>
#include <stdio.h>

/* What the tests of the agent's parts say: each program has its own count. */
static int checks, failures;

#define CHECK(condition) check((condition), #condition, __FILE__, __LINE__)

static void check(bool good, const char *what, const char *file, int line)
{
    checks++;
    if (good)
        return;
    failures++;
    (void)fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
}

static int checks_end(void)
{
    (void)printf("%d checks, %d failed\n", checks, failures);
    return failures != 0;
}

#endif
