#include "answer.h"

#include "control.h"
#include "job.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

struct asked {
    uint64_t id;
    const struct request *request; /* for the helper alone: it has gone when the answer comes */
    request_work *work;
};

static int work(void *argument, char *why)
{
    const struct asked *asked = argument;
    return asked->work(asked->request, why);
}

static void done(void *argument, int error, const char *why)
{
    struct asked *asked = argument;
    reply_plain(asked->id, error, why);
    free(asked);
}

void answer_by_job(const struct request *request, request_work *act)
{
    struct asked *asked = malloc(sizeof *asked);
    int error = asked ? 0 : ENOMEM;
    if (asked) {
        *asked = (struct asked){.id = request->id, .request = request, .work = act};
        error = job_start(work, done, asked);
    }
    if (error == 0)
        return;
    free(asked);
    reply_plain(request->id, error, NULL);
}
