#ifndef VERSION_H
#define VERSION_H

#define AGENT_VERSION "2.0.0-alpha.1"
#define PROTOCOL_VERSION 1

#endif
