#include "setup.h"

#include "clock.h"
#include "network.h"
#include "sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/random.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define ENTROPY_MAX 512

static int add_entropy(const uint8_t *bytes, size_t length)
{
    struct {
        int entropy_count;
        int buf_size;
        uint8_t bytes[ENTROPY_MAX];
    } pool;
    if (length > sizeof pool.bytes)
        length = sizeof pool.bytes;
    pool.entropy_count = (int)length * 8;
    pool.buf_size = (int)length;
    memcpy(pool.bytes, bytes, length);
    static int fd = -1; /* kept: in a clone's first SETUP its opening took 4 ms */
    if (fd < 0)
        fd = open("/dev/urandom", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    int error = ioctl(fd, RNDADDENTROPY, &pool) == 0 ? 0 : errno;
    /* Two clones of one template must not give the same random numbers from here on. */
    if (error == 0 && ioctl(fd, RNDRESEEDCRNG) != 0)
        error = errno;
    return error;
}

int guest_setup(const struct request *request, char *why, size_t why_size)
{
    int error = request->clock ? clock_adjust(request->clock) : 0;
    if (error == 0 && request->entropy_length)
        error = add_entropy(request->entropy, request->entropy_length);
    if (error == 0 && request->hostname && sethostname(request->hostname, strlen(request->hostname)) != 0)
        error = errno;
    if (error == 0)
        error = network_loopback();
    for (size_t i = 0; error == 0 && i < request->nic_count; i++)
        error = network_configure(&request->nics[i], request->nic_count == 1, why, why_size);
    for (size_t i = 0; error == 0 && i < request->sysctl_count; i++)
        error = sysctl_set(&request->sysctls[i], why, why_size);
    return error;
}
