/* What the fast path's program and the engine share: the lines of the maps. Both C and C++ read this file.
 *
 * Who writes what: the engine writes servers and sources; the program writes tallies and reasons, each CPU its own.
 * The lines of the connection table are the table's (table/conn.h, table/bucket_index.h); of a connection the program
 * writes `packets` and `expires`, and clears kConnFast.
 */
#ifndef TUNVS_FASTPATH_LAYOUT_H
#define TUNVS_FASTPATH_LAYOUT_H

#ifdef __cplusplus
#include <cstdint>
typedef uint8_t FastU8;
typedef uint16_t FastU16;
typedef uint32_t FastU32;
typedef uint64_t FastU64;
#else
typedef unsigned char FastU8;
typedef unsigned short FastU16;
typedef unsigned int FastU32;
typedef unsigned long long FastU64;
#endif

enum {
  kFastMaxServers = 4096, /* servers with higher ids stay on the slow path */
  kFastMaxSources = 64,
  kFastOuterRoom = 60,    /* bytes of the longest outer header */
  kFastFirstPort = 32768, /* of GUE's source ports (forward/gue.h), which are so many: */
  kFastPorts = 28232,
};

/* Flags of a FastServer. */
enum {
  kFastCopiesDf = 0x01,  /* the inner IPv4 packet's DF is the outer one's */
  kFastOuterIpv6 = 0x02, /* the outer IP header is IPv6's */
  kFastSums = 0x08,      /* the tunnel has a checksum over the packet, GRE's or, with kFastUdp, UDP's */
  kFastUdp = 0x04,       /* behind the outer IP header comes UDP's, whose source port and length depend on the packet */
};

/* A real server. All but the first four members hold still while ifindex is not 0. */
struct FastServer {
  FastU32 ifindex;  /* of the device that sends; 0: the slow path does */
  FastU32 longest;  /* bytes of the longest inner packet, or segment, that goes this way */
  FastU32 tcpTicks; /* what an established connection lives on after a packet */
  FastU32 udpTicks;
  FastU32 roomFlags;  /* bpf_skb_adjust_room's */
  FastU32 sum;        /* one's complement sum of the outer IPv4 header below, in memory's order; 0 for IPv6 */
  FastU32 sourceMask; /* the flow's hash picks one of so many sources, less one; 0: the one in the header */
  FastU8 macs[12];    /* of the frame: destination, source */
  FastU8 outerBytes;  /* [0, kFastOuterRoom] */
  FastU8 ipBytes;     /* of the outer IP header: 0, 20, 40 */
  FastU8 flags;
  FastU8 unused;
  FastU8 header[kFastOuterRoom]; /* the outer header; what depends on the packet is zero */
  FastU32 coveredSum; /* of what a tunnel's checksum covers of the header, without what depends on the packet; as sum */
  FastU8 padding[20];
};

/* An address of the source range (DIP). */
struct FastSource {
  FastU8 v6[16];
  FastU32 v4;
  FastU32 sum; /* of v4, as FastServer's */
  FastU32 sum6;
  FastU8 padding[4];
};

/* What one CPU sent to one server, or in all; KernelTally of director/counters/kernel_tally.h. */
struct FastTally {
  FastU64 packets, bytes;
  FastU32 longest;        /* bytes of the longest packet, or segment, since the engine last set it to 0 */
  FastU32 identification; /* of the last outer IPv4 header */
  FastU8 padding[40];
};

/* What the program has to know of the tables. */
struct FastState {
  FastU32 isNearlyFull[2]; /* IPv4's, IPv6's: the engine has to see at once what counts for more */
  FastU8 padding[56];
};

/* Why a packet went on to the slow path, or was lost (failed). director/counters/stats.h has a counter for each, in the
 * same order, which says what it is. */
enum {
  kFast_other,
  kFast_fragment,
  kFast_control,
  kFast_unknown,
  kFast_notYet,
  kFast_expired,
  kFast_rise,
  kFast_server,
  kFast_tooLong,
  kFast_failed,
  kFastReasons
};

/* What the program at the ingress writes into a packet's tc_index when a connection's packet goes on, with the reason
 * added: the one at the egress counts it, if the host has sent the packet there. */
enum { kFastTold = 0x7690 };

/* What one CPU has counted. */
struct FastCounts {
  struct FastTally total;
  FastU64 reasons[16];
};

/* The constants that the loader puts into the program, by number. */
enum {
  kFastShards,
  kFastShardBuckets4,
  kFastShardLines4, /* 64-byte lines of the region; the same for the next ones */
  kFastFirstLine4,
  kFastBucketsLine4,
  kFastConnsLine4,
  kFastShardBuckets6,
  kFastShardLines6,
  kFastFirstLine6,
  kFastBucketsLine6,
  kFastConnsLine6,
  kFastSecret, /* six words and the finish */
  kFastFinish = kFastSecret + 6,
  kFastCpus,
  kFastLinkBytes,  /* in front of the IP header: 0 at the TUN device, 14 at an Ethernet device */
  kFastMayOutlive, /* 1 where the program stays when its process ends */
  kFastIngress,    /* 1 where packets come in, before the host has routed them; 0 at the egress of the TUN device */
  kFastConstants
};

#endif
