#include "memory.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>

/* So that the kernel need not give up what it has read of disks. */
#define KEPT (6U << 20)

int memory_clear(const struct request *request, char *why)
{
    struct sysinfo status;
    (void)request;
    (void)why;
    if (sysinfo(&status) != 0)
        return errno;
    size_t room = (size_t)status.freeram * status.mem_unit;
    if (room <= KEPT)
        return 0;
    /* The kernel clears what it hands out; the helper's end gives it back as it is. */
    void *pages = mmap(NULL, room - KEPT, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    return pages == MAP_FAILED ? errno : 0;
}
