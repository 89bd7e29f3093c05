#ifndef SERVICES_H
#define SERVICES_H

#include "request.h"

/* Has the guest's processes reach exactly these services, and answers the request. */
void services_set(const struct request *request);

#endif
