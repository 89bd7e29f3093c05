#ifndef ANSWER_H
#define ANSWER_H

#include "request.h"

/* What a request asks for; returns 0 or an errno, with the reason in `why` (of 256 bytes). Runs in a helper (job.h), which has its own copy of it. */
typedef int request_work(const struct request *request, char *why);

/* Has a helper do it, and answers when that is done. */
void answer_by_job(const struct request *request, request_work *work);

#endif
