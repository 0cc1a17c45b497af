/* The fast path: sends packets of established connections on inside the kernel, from the TUN device's own egress (TC),
 * or from the ingress of a device by which they come in, before the host has routed them.
 *
 * It finds the connection in the engine's table and does what Connections::noteUsual() and Forwarder::send() do for a
 * packet that changes nothing about its connection but how long it lives. Every other packet goes on to the device, and
 * so to the engine, and the reason is counted. Order within a flow: it takes packets of a connection only while the
 * engine has set kConnFast, and clears that when it lets one of them go on, so that those behind it follow.
 *
 * scripts/bpf.js compiles this file into program.inc.
 */
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/if_packet.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>

#include "fastpath/bpf/layout.h"
#include "fastpath/bpf/lookup.h"
#include "io/tc/bpf/helpers.h"
#include "io/tc/bpf/sums.h"

extern const struct {
  int unused;
} servers __attribute__((section("maps"))), sources __attribute__((section("maps"))),
    tallies __attribute__((section("maps"))), counts __attribute__((section("maps"))),
    state __attribute__((section("maps"))), life __attribute__((section("maps")));

enum { kTcpFin = 0x01, kTcpSyn = 0x02, kTcpRst = 0x04, kTcpAck = 0x10 };

/* What the program knows of a packet. Each member has a place of its own on the stack, as with WIDE(). */
struct Parsed {
  struct Flow flow;
  __u64 length;  /* of the whole packet, as its header says */
  __u64 longest; /* of the packet, or of its longest segment */
  __u64 isV4, trafficClass, ttl, dontFragment;
  __u64 hasNoSum; /* UDP without a checksum over all of it */
  __u64 first;    /* word of an IPv6 header */
  __u64 check;    /* of the IPv4 header */
  __s64 leaves;   /* why it goes on to the engine, with its connection; -1: it need not */
};

/* What goes on from an ingress may be anything, so only what comes to the TUN device is counted. */
INLINE int goOn(struct __sk_buff *skb, __u32 reason) {
  if (CONSTANT(kFastIngress)) return TC_ACT_UNSPEC;
  __u32 cpu = currentCpu();
  struct FastCounts *own = mapLookup(&counts, &cpu);
  /* Without CAP_PERFMON, the verifier wants to know equally little of the place on all ways here. A length is no 2^28. */
  reason = (reason + (skb->len >> 28)) & 15;
  asm volatile("" : "+r"(reason));
  if (own) own->reasons[reason]++;
  return TC_ACT_UNSPEC;
}

/* As isClientAddress() of packet/parse_ipv4.h. */
INLINE int isClientAddress(__u32 source, __u32 destination) {
  const __u8 first = source & 0xff;
  return first != 0 && first < 224 && first != 127 && source != destination;
}

INLINE int parseTransport(struct __sk_buff *skb, void *transport, __u8 protocol, __u32 headerBytes, struct Parsed *parsed) {
  void *end = (void *)(long)skb->data_end;
  const __u32 segment = skb->gso_size;
  if (transport + 8 > end) return kFast_other;
  if (protocol == IPPROTO_TCP) {
    if (transport + 20 > end || parsed->length < headerBytes + 20) return kFast_other;
    const __u8 *tcp = transport;
    if ((tcp[13] & (kTcpFin | kTcpSyn | kTcpRst | kTcpAck)) != kTcpAck) parsed->leaves = kFast_control;
    parsed->longest = segment ? headerBytes + (tcp[12] >> 4) * 4 + segment : parsed->length;
    if (parsed->longest > parsed->length) parsed->longest = parsed->length;
  } else {
    if (parsed->length < headerBytes + 8) return kFast_other;
    /* What is behind the datagram, within the IP packet, is not in its sum. */
    parsed->hasNoSum = ((const __u16 *)transport)[3] == 0 || BE16(((const __u16 *)transport)[2]) != parsed->length - headerBytes;
    if (segment) parsed->leaves = kFast_other;
    parsed->longest = parsed->length;
  }
  parsed->flow.tail = *(__u32 *)transport | (__u64)protocol << 32;
  return -1;
}

INLINE int parse4(struct __sk_buff *skb, void *at, struct Parsed *parsed) {
  void *end = (void *)(long)skb->data_end;
  const struct iphdr *ip = at;
  if (at + 20 > end || *(__u8 *)at != 0x45) return kFast_other;
  if (ip->frag_off & BE16(0x3fff)) return kFast_fragment;
  if (at + 28 > end) return kFast_other;
  if (ip->protocol != IPPROTO_TCP && ip->protocol != IPPROTO_UDP) return kFast_other;
  parsed->length = BE16(ip->tot_len);
  if (fold(sum20(at)) != 0xffff || ip->ttl == 0 || !isClientAddress(ip->saddr, ip->daddr)) return kFast_other;
  parsed->isV4 = 1;
  parsed->trafficClass = ip->tos;
  parsed->ttl = ip->ttl;
  parsed->check = ip->check;
  parsed->dontFragment = (ip->frag_off & BE16(0x4000)) != 0;
  parsed->flow.words[0] = ip->saddr | (__u64)ip->daddr << 32;
  return parseTransport(skb, at + 20, ip->protocol, 20, parsed);
}

INLINE int parse6(struct __sk_buff *skb, void *at, struct Parsed *parsed) {
  void *end = (void *)(long)skb->data_end;
  const struct ipv6hdr *ip = at;
  if (at + 48 > end || *(__u8 *)at >> 4 != 6) return kFast_other;
  if (ip->nexthdr != IPPROTO_TCP && ip->nexthdr != IPPROTO_UDP) return kFast_other;
  if (ip->hop_limit == 0) return kFast_other;
  parsed->length = 40 + BE16(ip->payload_len);
  parsed->isV4 = 0;
  parsed->trafficClass = BE16(*(__u16 *)at) >> 4;
  parsed->ttl = ip->hop_limit;
  parsed->first = *(__u32 *)at;
  parsed->dontFragment = 0;
  const __u64 *words = at + 8;
  parsed->flow.words[0] = words[0];
  parsed->flow.words[1] = words[1];
  parsed->flow.words[2] = words[2];
  parsed->flow.words[3] = words[3];
  return parseTransport(skb, at + 40, ip->nexthdr, 40, parsed);
}

/* Tells whether the engine has to know at once that a connection counts for more; as Connections::update(). */
INLINE int mustTell(const struct Conn *conn, int isV4) {
  __u32 only = 0;
  const struct FastState *known = mapLookup(&state, &only);
  if (!known || conn->control != 0) return 1;
  /* Both are read, each at a place of its own: without CAP_PERFMON the verifier allows no choice of a place here. */
  const __u32 four = *(volatile __u32 *)&known->isNearlyFull[0], six = *(volatile __u32 *)&known->isNearlyFull[1];
  return isV4 ? four : six;
}

/* A segment goes on though its connection is the fast path's: those behind it follow, until the engine has it. */
INLINE int letGo(struct __sk_buff *skb, struct Conn *conn, __u32 reason) {
  __sync_fetch_and_and(&conn->meta, ~(__u32)(kFast << kFlagsShift));
  if (CONSTANT(kFastIngress)) skb->tc_index = kFastTold + reason;
  return goOn(skb, reason);
}

/* Counts the hop, as the host does that forwards a packet, which begins at `at`. Returns 0 when it is done. */
INLINE int countHop(struct __sk_buff *skb, __u32 at, const struct Parsed *parsed) {
  const __u8 hops = parsed->ttl;
  if (!parsed->isV4) return storeBytes(skb, at + 7, &hops, 1, BPF_F_RECOMPUTE_CSUM);
  const __u32 sum = parsed->check + BE16(0x0100); /* RFC 1624 */
  const struct {
    __u8 ttl, protocol;
    __u16 check;
  } changed = {hops, parsed->flow.tail >> 32, sum + (sum >= 0xffff)};
  return storeBytes(skb, at + 8, &changed, 4, BPF_F_RECOMPUTE_CSUM);
}

/* Returns the sum of the packet, whose transport checksum is right, or will be made: what that covers sums up to the
 * complement of the pseudo header, so that no byte has to be looked at (as local checksum offload of Linux). An IPv4
 * header sums up to nothing. */
INLINE __u32 packetSum(const struct Parsed *parsed) {
  const __u8 protocol = parsed->flow.tail >> 32;
  if (parsed->isV4) {
    const __u64 addresses = (__u32)parsed->flow.words[0] + (parsed->flow.words[0] >> 32);
    return (__u16)~fold(addresses + BE16(protocol) + BE16((__u16)(parsed->length - 20)));
  }
  const struct {
    __u8 protocol, hops;
  } last = {protocol, parsed->ttl};
  const __u16 bytes = BE16((__u16)(parsed->length - 40));
  const __u64 pseudo = (__u64)bytes + BE16(protocol); /* the addresses are in both, and cancel each other */
  return fold((__u64)parsed->first + bytes + *(__u16 *)&last + (__u16)~fold(pseudo));
}

/* Fills in what depends on the packet and puts the outer header behind the link's. Returns 0 when it is done. */
INLINE int writeOuter(struct __sk_buff *skb, const struct FastServer *server, const struct Parsed *parsed, __u64 hash,
                      __u32 identification) {
  union {
    __u8 bytes[64];
    __u16 halves[32];
    __u32 words[16];
    __u64 longs[8];
  } outer;
#pragma unroll
  for (int i = 0; i < 15; i++) outer.words[i] = ((const __u32 *)server->header)[i];
  outer.words[15] = 0;
  const __u32 outerBytes = server->outerBytes;
  const __u32 total = parsed->length + outerBytes;
  const __u8 flags = server->flags;
  __u8 trafficClass = parsed->trafficClass;
  trafficClass -= trafficClass & (trafficClass >> 1) & 1; /* RFC 3168 section 9.1.1: CE becomes ECT(0) */
  /* Any place will do where there is no source to choose; none would not, as with LEAVE(). */
  const struct FastSource *source = (const struct FastSource *)server;
  const int hasSource = server->sourceMask != 0;
  if (hasSource) {
    __u32 chosen = hash >> 8 & server->sourceMask;
    source = mapLookup(&sources, &chosen);
    if (!source) LEAVE();
  }
  if (flags & kFastOuterIpv6) {
    outer.words[0] |= BE16(trafficClass << 4);
    outer.halves[2] = BE16(total - 40);
    outer.bytes[7] = parsed->ttl;
    if (hasSource) {
#pragma unroll
      for (int i = 0; i < 4; i++) outer.words[2 + i] = ((const __u32 *)source->v6)[i];
    }
  } else {
    const int keepsDf = (flags & kFastCopiesDf) && parsed->isV4 && parsed->dontFragment;
    outer.bytes[1] = trafficClass;
    outer.halves[1] = BE16(total);
    outer.halves[2] = keepsDf ? 0 : identification;
    outer.halves[3] = keepsDf ? BE16(0x4000) : 0;
    outer.bytes[8] = parsed->ttl;
    __u64 sum = server->sum;
    if (hasSource) {
      outer.words[3] = source->v4;
      sum += source->sum;
    }
    /* The sum's halves are in memory's order, as the header's are. */
    sum += (__u64)trafficClass << 8;
    sum += outer.halves[1];
    sum += outer.halves[2];
    sum += outer.halves[3];
    sum += parsed->ttl;
    outer.halves[5] = ~fold(sum);
  }
  __u64 covered = 0;
  if (flags & kFastSums) {
    covered = (__u64)server->coveredSum + packetSum(parsed);
    if (hasSource && (flags & kFastUdp)) {
      /* As in mustTell(): each at a place of its own. */
      const __u32 six = *(volatile __u32 *)&source->sum6, four = *(volatile __u32 *)&source->sum;
      covered += flags & kFastOuterIpv6 ? six : four;
    }
  }
  if (flags & kFastUdp) {
    const __u32 mixed = hash ^ hash >> 32;
    const __u16 port = BE16(kFastFirstPort + (__u16)((__u64)mixed * kFastPorts >> 32));
    const __u16 bytes = BE16(total - server->ipBytes);
    if (flags & kFastOuterIpv6) {
      outer.halves[20] = port;
      outer.halves[22] = bytes;
    } else {
      outer.halves[10] = port;
      outer.halves[12] = bytes;
    }
    covered += port + 2 * (__u64)bytes;
  }
  if (flags & kFastSums) {
    __u16 check = ~fold(covered);
    if (flags & kFastUdp) {
      if (check == 0) check = 0xffff; /* RFC 768 */
      if (flags & kFastOuterIpv6)
        outer.halves[23] = check;
      else
        outer.halves[13] = check;
    } else if (flags & kFastOuterIpv6) {
      outer.halves[22] = check;
    } else {
      outer.halves[12] = check;
    }
  }
  /* At an ingress the packet may have a sum over all of it, which the card has made. */
  const __u64 sums = CONSTANT(kFastIngress) ? BPF_F_RECOMPUTE_CSUM : 0;
  if (outerBytes == 20) return storeBytes(skb, ETH_HLEN, &outer, 20, sums);
  /* It is 1 to 60. Verifiers before Linux 6.8 learn that from no comparison. */
  __u32 bytes = (outerBytes - 1) & (sizeof outer - 1);
  asm volatile("%0 += 1" : "+r"(bytes));
  return storeBytes(skb, ETH_HLEN, &outer, bytes, sums);
}

/* Sends the packet on. The connection, whose deadline was `expires`, lives on until `deadline`. */
INLINE int sendOn(struct __sk_buff *skb, const struct FastServer *server, __u64 ifindex, const struct Parsed *parsed,
                  __u64 hash, __u32 id, struct Conn *conn, __u64 expires, __u64 deadline) {
  const __u32 linkBytes = CONSTANT(kFastLinkBytes), cpus = CONSTANT(kFastCpus);
  const __u32 outerBytes = server->outerBytes;
  __u32 cpu = currentCpu();
  __u32 tallyAt = id * cpus + cpu;
  struct FastTally *tally = mapLookup(&tallies, &tallyAt);
  struct FastCounts *own = mapLookup(&counts, &cpu);
  if (cpu >= cpus || !tally || !own) return letGo(skb, conn, kFast_server);
  if (parsed->length + outerBytes > 65535) return letGo(skb, conn, kFast_tooLong);
  if (CONSTANT(kFastIngress) && parsed->length + linkBytes < skb->len && cutTail(skb, parsed->length + linkBytes, 0))
    return letGo(skb, conn, kFast_other);
  __u16 type = parsed->isV4 ? BE16(ETH_P_IP) : BE16(ETH_P_IPV6);
  if (outerBytes) {
    if (adjustRoom(skb, outerBytes, BPF_ADJ_ROOM_MAC, server->roomFlags)) return letGo(skb, conn, kFast_other);
    type = server->flags & kFastOuterIpv6 ? BE16(ETH_P_IPV6) : BE16(ETH_P_IP);
  }
  if (!linkBytes && growFront(skb, ETH_HLEN, 0)) goto lost;
  if (CONSTANT(kFastIngress) && countHop(skb, ETH_HLEN + outerBytes, parsed)) goto lost;
  if (outerBytes && writeOuter(skb, server, parsed, hash, tally->identification * cpus + cpu)) goto lost;
  if (CONSTANT(kFastIngress)) {
    struct ethhdr link;
    __builtin_memcpy(&link, server->macs, 12);
    link.h_proto = type;
    if (storeBytes(skb, 0, &link, ETH_HLEN, BPF_F_RECOMPUTE_CSUM)) goto lost;
  } else {
    struct ethhdr *link = (void *)(long)skb->data;
    if ((void *)(link + 1) > (void *)(long)skb->data_end) goto lost;
    __builtin_memcpy(link, server->macs, 12);
    link->h_proto = type;
  }
  *(volatile __u32 *)&conn->packets = conn->packets + 1;
  /* Not if the engine has set another deadline meanwhile, as the connection's state has changed. */
  __sync_val_compare_and_swap(&conn->expires, (__u32)expires, (__u32)deadline);
  own->total.packets++;
  own->total.bytes += parsed->length;
  tally->identification++;
  tally->packets++;
  tally->bytes += parsed->length;
  if (parsed->longest > tally->longest) tally->longest = parsed->longest;
  return redirectTo(ifindex, 0);
lost:
  own->reasons[kFast_failed]++;
  return TC_ACT_SHOT;
}

__attribute__((section("prog"), used)) int fastPath(struct __sk_buff *skb) {
  const __u32 linkBytes = CONSTANT(kFastLinkBytes);
  /* The host takes frames that are for others, and tags, in ways of its own. */
  if (CONSTANT(kFastIngress) && (skb->pkt_type != PACKET_HOST || skb->vlan_present)) return TC_ACT_UNSPEC;
  MAKE_LINEAR(skb, ETH_HLEN + 60); /* IPv6 and TCP */
  struct Parsed parsed;
  __builtin_memset(&parsed, 0, sizeof parsed);
  parsed.leaves = -1;
  void *at = (void *)(long)skb->data;
  if (linkBytes) asm volatile("%0 += 14" : "+r"(at)); /* a constant in the instruction, as for MAKE_LINEAR() */
  int reason = kFast_other;
  if (skb->protocol == BE16(ETH_P_IP))
    reason = parse4(skb, at, &parsed);
  else if (skb->protocol == BE16(ETH_P_IPV6))
    reason = parse6(skb, at, &parsed);
  if (reason >= 0) return goOn(skb, reason);
  if (parsed.length + linkBytes != skb->len) {
    /* Short frames are padded to 60 bytes, and the host has cut them where it has routed them. */
    if (!CONSTANT(kFastIngress) || parsed.length + linkBytes > skb->len || skb->gso_size) return goOn(skb, kFast_other);
  }
  if (CONSTANT(kFastIngress) && --parsed.ttl == 0) return TC_ACT_UNSPEC; /* the host says so to the sender */

  __u64 hash;
  __u32 meta;
  struct Conn *conn;
  if (parsed.isV4) {
    hash = flowHash(&parsed.flow, 1);
    conn = findConn(&parsed.flow, hash, 1, &meta);
  } else {
    hash = flowHash(&parsed.flow, 0);
    conn = findConn(&parsed.flow, hash, 0, &meta);
  }
  if (!meta) return goOn(skb, kFast_unknown);
  if (!(meta & kFast << kFlagsShift)) {
    const __u32 told = skb->tc_index - kFastTold;
    return goOn(skb, told < kFastReasons ? told : kFast_notYet);
  }
  if (CONSTANT(kFastMayOutlive) && hasEnded(&life)) return letGo(skb, conn, kFast_server);
  if (parsed.leaves >= 0) return letGo(skb, conn, parsed.leaves);
  __u64 now = coarseNanoseconds() / kNanosecondsPerTick;
  __u64 expires = *(volatile __u32 *)&conn->expires;
  WIDE(now);
  WIDE(expires);
  if ((int)(__u32)(now - expires) >= 0) return letGo(skb, conn, kFast_expired);
  __u32 id = *(volatile __u32 *)&conn->server;
  const struct FastServer *server = mapLookup(&servers, &id);
  if (!server) return letGo(skb, conn, kFast_server);
  __u64 ifindex = *(volatile __u32 *)&server->ifindex;
  WIDE(ifindex);
  if (!ifindex) return letGo(skb, conn, kFast_server);
  /* The checksums of segments would differ, and without its own checksum the packet's bytes have to be summed up. */
  if ((*(volatile __u8 *)&server->flags & kFastSums) && (parsed.hasNoSum || skb->gso_size))
    return letGo(skb, conn, kFast_server);
  const __u32 packets = conn->packets + 1;
  /* As in mustTell(): each at a place of its own. */
  const __u32 tcp = *(volatile __u32 *)&server->tcpTicks, udp = *(volatile __u32 *)&server->udpTicks;
  __u64 deadline = now + (parsed.flow.tail >> 32 == IPPROTO_TCP ? tcp : udp);
  WIDE(deadline);
  if ((packets & ~8u) == 3 && mustTell(conn, parsed.isV4)) return letGo(skb, conn, kFast_rise);
  if ((int)(__u32)(deadline - expires) < 0) return letGo(skb, conn, kFast_rise);
  if (parsed.longest > server->longest) return letGo(skb, conn, kFast_tooLong);
  return sendOn(skb, server, ifindex, &parsed, hash, id, conn, expires, deadline);
}
