/* What a request is read into, and what its texts are then read as. */
#include "check.h"
#include "fields.h"
#include "ip_address.h"
#include "request.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

static void requests_are_decoded(void)
{
    struct buffer buffer, record;
    struct request request;
    buffer_init(&buffer, 100000);
    buffer_init(&record, 1000);
    put_integer(&buffer, TAG_ID, 5);
    put_integer(&buffer, TAG_OP, OP_START_PROCESS);
    for (int i = 0; i < 9; i++)
        put_text(&buffer, TAG_ARG, i % 2 ? "" : "argument");
    put_text(&record, TAG_NAME, "nofile");
    put_integer(&record, TAG_SOFT, 10);
    put_bytes(&buffer, TAG_RLIMIT, record.bytes, record.length);
    put_text(&buffer, (enum tag)200, "unknown");
    put_integer(&buffer, TAG_GROUP, 1);
    CHECK(request_decode(&request, buffer.bytes, buffer.length) == 0);
    CHECK(request.id == 5 && request.operation == OP_START_PROCESS && request.argument_count == 9);
    CHECK(strcmp(request.arguments[8], "argument") == 0 && !*request.arguments[7] && !request.arguments[9]);
    CHECK(request.rlimit_count == 1 && request.rlimits[0].soft == 10 && request.rlimits[0].hard == UNLIMITED);
    CHECK(request.group && !request.frozen);
    CHECK(request.environment && !request.environment[0] && request.capabilities == UINT64_MAX);
    request_free(&request);
    buffer_free(&buffer);
    put_bytes(&buffer, TAG_ARG, "a\0b", 3);
    put_integer(&buffer, TAG_ID, 6);
    CHECK(request_decode(&request, buffer.bytes, buffer.length) == EINVAL && request.id == 6);
    request_free(&request);
    buffer_free(&buffer);
    buffer_free(&record);
}

static void nics_are_decoded(void)
{
    struct buffer buffer, record;
    struct request request;
    buffer_init(&buffer, 1000);
    buffer_init(&record, 1000);
    put_text(&record, TAG_ADDRESS, "192.168.123.2/24");
    put_text(&record, TAG_ADDRESS, "fd00::2/64");
    put_text(&record, TAG_GATEWAY, "192.168.123.1");
    put_text(&record, TAG_GATEWAY, "fd00::1");
    put_bytes(&buffer, TAG_NIC, record.bytes, record.length);
    CHECK(request_decode(&request, buffer.bytes, buffer.length) == 0 && request.nic_count == 1);
    CHECK(request.nics->address_count == 2 && strcmp(request.nics->addresses[1], "fd00::2/64") == 0);
    CHECK(request.nics->gateway_count == 2 && strcmp(request.nics->gateways[1], "fd00::1") == 0);
    request_free(&request);
    buffer_free(&buffer);
    buffer_free(&record);
}

static void put_place(struct buffer *buffer, const char *address, uint64_t port)
{
    put_text(buffer, TAG_ADDRESS, address);
    put_integer(buffer, TAG_PORT, port);
}

static void services_are_decoded(void)
{
    struct buffer buffer, record, host;
    struct request request;
    buffer_init(&buffer, 1000);
    buffer_init(&record, 1000);
    put_text(&record, TAG_NAME, "eth0");
    put_place(&record, "10.254.0.1", 80);
    put_text(&record, TAG_PROTOCOL, "udp");
    for (uint64_t port = 8080; port < 8083; port++) {
        buffer_init(&host, 100);
        put_place(&host, "10.0.0.2", port);
        put_bytes(&record, TAG_HOST, host.bytes, host.length);
        buffer_free(&host);
    }
    put_bytes(&buffer, TAG_SERVICE, record.bytes, record.length);
    CHECK(request_decode(&request, buffer.bytes, buffer.length) == 0 && request.service_count == 1);
    CHECK(request.services->udp && request.services->port == 80 && strcmp(request.services->interface, "eth0") == 0);
    CHECK(request.services->host_count == 3 && request.services->hosts[2].port == 8082);
    CHECK(strcmp(request.services->hosts[1].address, "10.0.0.2") == 0);
    request_free(&request);
    buffer_free(&buffer);
    buffer_free(&record);
    put_place(&record, "10.254.0.1", 80);
    put_bytes(&buffer, TAG_SERVICE, record.bytes, record.length);
    CHECK(request_decode(&request, buffer.bytes, buffer.length) == EINVAL); /* by no interface */
    request_free(&request);
    put_text(&record, TAG_PROTOCOL, "sctp");
    put_bytes(&buffer, TAG_SERVICE, record.bytes, record.length);
    CHECK(request_decode(&request, buffer.bytes, buffer.length) == EINVAL);
    request_free(&request);
    buffer_free(&buffer);
    buffer_free(&record);
}

static void ip_addresses_are_parsed(void)
{
    static const char *const wrong[] = {"", "/", "10.0.0.1", "10.0.0.1/", "10.0.0.1/33", "10.0.0.1/2a", "10.0.0/8", "fd00::1", "fd00::1/129",
                                        "fd00::1/-1", "fd00:::1/64", "fe80::1%eth0/64", "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000/1"};
    struct ip_address address, same;
    CHECK(ip_address_parse_prefixed("192.168.123.2/24", &address) && address.family == AF_INET && address.prefix == 24);
    CHECK(ip_address_size(&address) == 4 && address.bytes[0] == 192 && address.bytes[3] == 2);
    CHECK(ip_address_parse_prefixed("fd00::2/64", &address) && address.family == AF_INET6 && address.prefix == 64);
    CHECK(ip_address_size(&address) == 16 && address.bytes[0] == 0xfd && address.bytes[15] == 2);
    CHECK(ip_address_parse_prefixed("FD00:0::0:2/64", &same) && ip_address_same(&address, &same));
    CHECK(ip_address_parse("fd00::2", &same) && same.prefix == 128 && !ip_address_same(&address, &same));
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK(!ip_address_parse_prefixed(wrong[i], &address));
}

/* A record of a CREATE_CONTAINER: of this type, or of none. */
static int decode_mount(struct request *request, struct buffer *buffer, const char *type)
{
    struct buffer record;
    buffer_init(&record, 1000);
    if (type)
        put_text(&record, TAG_TYPE, type);
    put_text(&record, TAG_NAME, "hyper");
    put_text(&record, TAG_SOURCE, "0");
    put_text(&record, TAG_PATH, "/data");
    put_integer(&record, TAG_READONLY, 1);
    put_bytes(buffer, TAG_MOUNT, record.bytes, record.length);
    buffer_free(&record);
    return request_decode(request, buffer->bytes, buffer->length);
}

static void mounts_are_decoded(void)
{
    static const char *const wrong[] = {NULL, "9p"};
    struct buffer buffer;
    struct request request;
    buffer_init(&buffer, 1000);
    CHECK(decode_mount(&request, &buffer, "virtiofs") == 0 && request.mount_count == 1 && request.mounts[0].kind == MOUNT_SHARE);
    CHECK(strcmp(request.mounts[0].name, "hyper") == 0 && strcmp(request.mounts[0].source, "0") == 0);
    CHECK(strcmp(request.mounts[0].path, "/data") == 0 && request.mounts[0].readonly && !request.mounts[0].seed);
    request_free(&request);
    buffer_free(&buffer);
    buffer_init(&buffer, 1000);
    CHECK(decode_mount(&request, &buffer, "ext4") == 0 && request.mounts[0].kind == MOUNT_DISK);
    request_free(&request);
    buffer_free(&buffer);
    buffer_init(&buffer, 1000);
    CHECK(decode_mount(&request, &buffer, "disk") == 0 && request.mounts[0].kind == MOUNT_FILE_SYSTEM && !request.mounts[0].fstype);
    request_free(&request);
    buffer_free(&buffer);
    buffer_init(&buffer, 1000);
    CHECK(decode_mount(&request, &buffer, "nfs") == 0 && request.mounts[0].kind == MOUNT_NFS);
    request_free(&request);
    buffer_free(&buffer);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        buffer_init(&buffer, 1000);
        CHECK(decode_mount(&request, &buffer, wrong[i]) == EINVAL);
        request_free(&request);
        buffer_free(&buffer);
    }
}

int main(void)
{
    requests_are_decoded();
    nics_are_decoded();
    services_are_decoded();
    ip_addresses_are_parsed();
    mounts_are_decoded();
    return checks_end();
}
