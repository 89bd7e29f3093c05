#ifndef FREEZE_H
#define FREEZE_H

#include "request.h"

/* FREEZE; answers when all containers' processes stand still, or go on. */
void freeze_pod(const struct request *request);

#endif
