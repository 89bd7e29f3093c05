#include "freeze.h"

#include "cgroup.h"
#include "control.h"
#include "job.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

struct freezing {
    uint64_t request;
    bool frozen;
};

static int work(void *argument, char *why)
{
    const struct freezing *freezing = argument;
    (void)why;
    return cgroup_freeze(freezing->frozen);
}

static void done(void *argument, int error, const char *why)
{
    struct freezing *freezing = argument;
    reply_plain(freezing->request, error, why);
    free(freezing);
}

void freeze_pod(const struct request *request)
{
    struct freezing *freezing = calloc(1, sizeof *freezing);
    int error = freezing ? 0 : ENOMEM;
    if (freezing) {
        *freezing = (struct freezing){.request = request->id, .frozen = request->frozen};
        error = job_start(work, done, freezing);
    }
    if (error) {
        reply_plain(request->id, error, NULL);
        free(freezing);
    }
}
