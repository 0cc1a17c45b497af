/* What the decapsulating program and the real server share: keys and lines of the maps. Both C and C++ read this file.
 */
#ifndef TUNVS_REALSERVER_LAYOUT_H
#define TUNVS_REALSERVER_LAYOUT_H

#ifdef __cplusplus
#include <cstdint>
typedef uint8_t DecapU8;
typedef uint16_t DecapU16;
typedef uint32_t DecapU32;
typedef uint64_t DecapU64;
#else
typedef unsigned char DecapU8;
typedef unsigned short DecapU16;
typedef unsigned int DecapU32;
typedef unsigned long long DecapU64;
#endif

/* A tunnel whose packets the host has delivered to the real server's sockets, so that the program may take them. */
struct DecapTunnel {
  DecapU8 source[16]; /* outer addresses; an IPv4 one takes the first four bytes, and the rest is zero */
  DecapU8 destination[16];
  DecapU32 interfaceIndex; /* of the device by which they come in */
  DecapU16 port;           /* of GUE, in network order; 0 */
  DecapU8 protocol;        /* in the outer IP header */
  DecapU8 isIpv6;          /* the outer header */
};

struct DecapAddress {
  DecapU8 address[16]; /* as DecapTunnel's */
  DecapU32 isIpv6;
};

/* What one CPU has delivered: inner packets, and their bytes. */
struct DecapTally {
  DecapU64 packets, bytes, superPackets;
  DecapU8 padding[40];
};

/* The constants that the loader puts into the program, by number. */
enum {
  kDecapLinkBytes,  /* in front of the outer IP header: 14 at an Ethernet device, 0 where there is none */
  kDecapDevice,     /* index of the device that the inner packets come out of */
  kDecapMayOutlive, /* 1 where the program stays when its process ends */
  kDecapTakesGue,   /* 1: UDP packets may be GUE's */
  kDecapConstants
};

#endif
