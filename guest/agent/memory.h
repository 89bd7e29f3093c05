#ifndef MEMORY_H
#define MEMORY_H

#include "request.h"

/* Fills what memory is free with zeros, of which a template need keep nothing. A `request_work` (answer.h). */
int memory_clear(const struct request *request, char *why);

#endif
