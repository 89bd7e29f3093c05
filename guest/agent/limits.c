#include "limits.h"

#include "cgroup.h"
#include "control.h"
#include "job.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

struct limiting {
    uint64_t request_id;
    const struct request *request; /* in the helper, which is a copy of the agent at this moment */
};

static int work(void *argument, char *why)
{
    const struct limiting *limiting = argument;
    (void)why;
    return cgroup_limit(limiting->request->container, limiting->request, false);
}

static void done(void *argument, int error, const char *why)
{
    struct limiting *limiting = argument;
    reply_plain(limiting->request_id, error, why);
    free(limiting);
}

void limits_set(const struct request *request)
{
    struct limiting *limiting = malloc(sizeof *limiting);
    int error = limiting ? 0 : ENOMEM;
    if (error == 0) {
        *limiting = (struct limiting){.request_id = request->id, .request = request};
        error = job_start(work, done, limiting);
    }
    if (error == 0)
        return;
    free(limiting);
    reply_plain(request->id, error, NULL);
}
