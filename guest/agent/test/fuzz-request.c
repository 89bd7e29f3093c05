/* Any payload decodes to a request whose texts are ended, or to an error. */
#include "request.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile size_t touched;

static void touch(const char *text)
{
    if (text)
        touched += strlen(text);
}

static void touch_all(const struct request *request)
{
    touch(request->hostname);
    touch(request->root);
    touch(request->user);
    touch(request->cwd);
    for (char **argument = request->arguments; *argument; argument++)
        touch(*argument);
    for (char **variable = request->environment; *variable; variable++)
        touch(*variable);
    for (size_t i = 0; i < request->nic_count; i++)
        for (size_t j = 0; j < request->nics[i].address_count; j++)
            touch(request->nics[i].addresses[j]);
    for (size_t i = 0; i < request->service_count; i++) {
        touch(request->services[i].address);
        touch(request->services[i].interface);
        for (size_t j = 0; j < request->services[i].host_count; j++)
            touch(request->services[i].hosts[j].address);
    }
    for (size_t i = 0; i < request->mount_count; i++) {
        touch(request->mounts[i].path);
        touch(request->mounts[i].options);
        touch(request->mounts[i].name);
        touch(request->mounts[i].source);
        for (size_t j = 0; j < request->mounts[i].length; j++)
            touched += request->mounts[i].content[j];
    }
    for (size_t i = 0; i < request->rlimit_count; i++)
        touch(request->rlimits[i].name);
    for (size_t i = 0; i < request->sysctl_count; i++)
        touch(request->sysctls[i].name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct request request;
    uint8_t *payload = malloc(size ? size : 1);
    if (!payload)
        return 0;
    if (size)
        memcpy(payload, data, size);
    if (request_decode(&request, payload, size) == 0)
        touch_all(&request);
    request_free(&request);
    free(payload);
    return 0;
}
