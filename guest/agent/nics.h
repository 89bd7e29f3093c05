#ifndef NICS_H
#define NICS_H

#include "request.h"

#include <stddef.h>

/* CONFIGURE_NIC: waits for the device, and answers when it is done. */
void nic_configure(const struct request *request);
/* REMOVE_NIC: nothing goes by it any more. Returns 0 or an errno; one that is not there is fine. */
int nic_remove(const struct request *request, char *why, size_t why_size);

#endif
