#include "nics.h"

#include "control.h"
#include "job.h"
#include "network.h"
#include "uevents.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define WHY_SIZE 256

struct configuration {
    uint64_t request_id;
    const struct nic *nic; /* for the helper alone, which has its own copy of it */
};

static bool is_there(void *argument)
{
    return network_has(argument);
}

static int configure(void *argument, char *why)
{
    const struct configuration *configuration = argument;
    const struct nic *nic = configuration->nic;
    if (uevents_await(is_there, nic->mac))
        return network_configure(nic, why, WHY_SIZE);
    (void)snprintf(why, WHY_SIZE, "there is no NIC with the MAC address %s", nic->mac);
    return ENODEV;
}

static void on_configured(void *argument, int error, const char *why)
{
    struct configuration *configuration = argument;
    reply_plain(configuration->request_id, error, why);
    free(configuration);
}

/* The one NIC of the request, named by its MAC; NULL where it has another number of them. */
static const struct nic *only_nic(const struct request *request)
{
    return request->nic_count == 1 && request->nics->mac ? request->nics : NULL;
}

void nic_configure(const struct request *request)
{
    struct configuration *configuration = malloc(sizeof *configuration);
    int error = !only_nic(request) ? EINVAL : !configuration ? ENOMEM : 0;
    if (error == 0) {
        *configuration = (struct configuration){.request_id = request->id, .nic = only_nic(request)};
        error = job_start(configure, on_configured, configuration);
    }
    if (error == 0)
        return;
    free(configuration);
    reply_plain(request->id, error, NULL);
}

int nic_remove(const struct request *request, char *why, size_t why_size)
{
    const struct nic *nic = only_nic(request);
    return nic ? network_take_down(nic->mac, why, why_size) : EINVAL;
}
