#include "ip_address.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

size_t ip_address_size(const struct ip_address *address)
{
    return address->family == AF_INET ? sizeof(struct in_addr) : sizeof(struct in6_addr);
}

bool ip_address_same(const struct ip_address *one, const struct ip_address *other)
{
    return one->family == other->family && one->prefix == other->prefix && memcmp(one->bytes, other->bytes, sizeof one->bytes) == 0;
}

bool ip_address_parse(const char *text, struct ip_address *address)
{
    *address = (struct ip_address){.family = strchr(text, ':') ? AF_INET6 : AF_INET};
    address->prefix = (uint8_t)(ip_address_size(address) * 8);
    return inet_pton(address->family, text, address->bytes) == 1;
}

bool ip_address_parse_prefixed(const char *text, struct ip_address *address)
{
    char host[INET6_ADDRSTRLEN];
    const char *slash = strchr(text, '/');
    size_t length = slash ? (size_t)(slash - text) : 0;
    if (length == 0 || length >= sizeof host || !slash[1] || slash[1 + strspn(slash + 1, "0123456789")])
        return false;
    memcpy(host, text, length);
    host[length] = 0;
    if (!ip_address_parse(host, address))
        return false;
    unsigned long prefix = strtoul(slash + 1, NULL, 10);
    if (prefix > address->prefix)
        return false;
    address->prefix = (uint8_t)prefix;
    return true;
}
