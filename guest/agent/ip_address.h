#ifndef IP_ADDRESS_H
#define IP_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An IP address as the kernel takes it. */
struct ip_address {
    uint8_t family; /* AF_INET or AF_INET6 */
    uint8_t prefix; /* how many bits are the network's */
    uint8_t bytes[16];
};

/* How many of the bytes it has. */
size_t ip_address_size(const struct ip_address *address);
bool ip_address_same(const struct ip_address *one, const struct ip_address *other);
/* `192.168.123.2`, `fd00::2`: a network of one. */
bool ip_address_parse(const char *text, struct ip_address *address);
/* With the length of its network's prefix behind a slash. */
bool ip_address_parse_prefixed(const char *text, struct ip_address *address);

#endif
