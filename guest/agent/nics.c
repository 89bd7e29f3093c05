#include "nics.h"

#include "answer.h"
#include "control.h"
#include "network.h"
#include "uevents.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

#define WHY_SIZE 256

static bool is_there(void *argument)
{
    return network_has(argument);
}

/* The one NIC of the request, named by its MAC; NULL where it has another number of them. */
static const struct nic *only_nic(const struct request *request)
{
    return request->nic_count == 1 && request->nics->mac ? request->nics : NULL;
}

static int configure(const struct request *request, char *why)
{
    const struct nic *nic = only_nic(request);
    if (uevents_await(is_there, nic->mac))
        return network_configure(nic, false, why, WHY_SIZE);
    (void)snprintf(why, WHY_SIZE, "there is no NIC with the MAC address %s", nic->mac);
    return ENODEV;
}

void nic_configure(const struct request *request)
{
    if (only_nic(request)) {
        network_part();
        answer_by_job(request, configure);
    } else {
        reply_plain(request->id, EINVAL, NULL);
    }
}

int nic_remove(const struct request *request, char *why, size_t why_size)
{
    const struct nic *nic = only_nic(request);
    return nic ? network_take_down(nic->mac, why, why_size) : EINVAL;
}
