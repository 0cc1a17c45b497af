/* Takes tunnel packets apart at the ingress (TC) of the devices by which they come in, and hands the inner packets to
 * the real server's TUN device, as if it had read them: inside the kernel, without a call, and super-packets whole.
 *
 * It takes packets of tunnels only for which the host has delivered one to the real server's sockets (decap_path.h), so
 * what the host's addresses, routes and firewall say is asked there. It does what decapsulate() of realserver/decap.h
 * does with a packet that is accepted as it is; every other packet goes on to the host, and so to the sockets.
 *
 * scripts/bpf.js compiles this file into program.inc.
 */
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>

#include "io/tc/bpf/helpers.h"
#include "io/tc/bpf/sums.h"
#include "realserver/bpf/layout.h"

extern const struct {
  int unused;
} tunnels __attribute__((section("maps"))), addresses __attribute__((section("maps"))),
    tallies __attribute__((section("maps"))), life __attribute__((section("maps")));

enum { kIpip = 4, kIpv6 = 41, kGre = 47, kGueVersion1 = 0x40, kGreReserved = 0x07f8 };
enum { kCsumTrusted = BPF_CSUM_LEVEL_INC };
#ifndef BPF_F_ADJ_ROOM_DECAP_L3_IPV4 /* Linux 6.3 */
enum { BPF_F_ADJ_ROOM_DECAP_L3_IPV4 = 1 << 7, BPF_F_ADJ_ROOM_DECAP_L3_IPV6 = 1 << 8 };
#endif

/* The inner packet, as far as it is known. */
struct Inner {
  struct DecapAddress destination;
  __u32 length;   /* of the whole packet, as its header says */
  __u8 ecn;
  __u8 protocol;  /* 0 for a fragment */
  __u8 isTrusted; /* its checksum was left unfinished by a sender without a network card (realserver/ip_view.h) */
};

/* What is read of a header: more than any of them takes. */
union Header {
  __u8 bytes[40];
  __u16 halves[20];
  __u32 words[10];
  struct iphdr v4;
  struct ipv6hdr v6;
};

/* Tells whether the checksum of a transport header, of a packet that is no fragment and holds `bytes` from there on, is
 * the pseudo header's sum alone (as realserver/ip_view.cc does). `addresses` is the sum of the addresses. */
INLINE int isUnfinished(struct __sk_buff *skb, __u32 at, __u8 protocol, __u32 bytes, __u64 addresses) {
  union Header header;
  __u16 field;
  if (protocol == IPPROTO_TCP) {
    if (bytes < 20 || loadBytes(skb, at, &header, 20)) return 0;
    field = *(volatile __u16 *)&header.halves[8];
  } else if (protocol == IPPROTO_UDP) {
    if (bytes < 8 || loadBytes(skb, at, &header, 8) || BE16(header.halves[2]) != bytes) return 0;
    field = *(volatile __u16 *)&header.halves[3];
  } else {
    return 0;
  }
  return field != 0 && field == fold(addresses + BE16(protocol) + BE16((__u16)bytes));
}

/* Reads an inner packet that begins at `at`, of which `room` bytes are there. Returns 0 when the program may take it. */
INLINE int parse4(struct __sk_buff *skb, __u32 at, __u32 room, struct Inner *inner) {
  union Header header;
  if (room < 20 || loadBytes(skb, at, &header, 20) || header.bytes[0] != 0x45) return -1;
  inner->length = BE16(header.v4.tot_len);
  if (inner->length < 20 || inner->length > room || fold(sum20(&header)) != 0xffff) return -1;
  *(__u32 *)inner->destination.address = header.v4.daddr;
  inner->ecn = header.v4.tos & 3;
  if (header.v4.frag_off & BE16(0x3fff)) return 0;
  inner->protocol = header.v4.protocol;
  inner->isTrusted = isUnfinished(skb, at + 20, inner->protocol, inner->length - 20,
                                  (__u64)header.v4.saddr + header.v4.daddr);
  return 0;
}

INLINE int parse6(struct __sk_buff *skb, __u32 at, __u32 room, struct Inner *inner) {
  union Header header;
  if (room < 40 || loadBytes(skb, at, &header, 40) || header.bytes[0] >> 4 != 6 || !header.v6.payload_len) return -1;
  inner->length = 40 + BE16(header.v6.payload_len);
  if (inner->length > room) return -1;
  __u64 sum = 0;
#pragma unroll
  for (int i = 0; i < 4; i++) {
    ((__u32 *)inner->destination.address)[i] = header.words[6 + i];
    sum += (__u64)header.words[2 + i] + header.words[6 + i];
  }
  inner->destination.isIpv6 = 1;
  inner->ecn = BE16(header.halves[0]) >> 4 & 3;
  inner->protocol = header.v6.nexthdr;
  inner->isTrusted = isUnfinished(skb, at + 40, inner->protocol, inner->length - 40, sum);
  return 0;
}

__attribute__((section("prog"), used)) int decapsulate(struct __sk_buff *skb) {
  if (skb->pkt_type != PACKET_HOST || skb->vlan_present) return TC_ACT_UNSPEC;
  const __u32 linkBytes = CONSTANT(kDecapLinkBytes);
  union Header header;
  struct DecapTunnel tunnel;
  __builtin_memset(&tunnel, 0, sizeof tunnel);
  __u32 ipBytes, total, ecn;
  if (skb->protocol == BE16(ETH_P_IP)) {
    if (loadBytes(skb, linkBytes, &header, 20)) return TC_ACT_UNSPEC;
    if (header.bytes[0] != 0x45 || (header.v4.frag_off & BE16(0x3fff))) return TC_ACT_UNSPEC;
    tunnel.protocol = header.v4.protocol;
    *(__u32 *)tunnel.source = header.v4.saddr;
    *(__u32 *)tunnel.destination = header.v4.daddr;
    ipBytes = 20;
    total = BE16(header.v4.tot_len);
    ecn = header.v4.tos & 3;
    if (fold(sum20(&header)) != 0xffff) return TC_ACT_UNSPEC;
  } else if (skb->protocol == BE16(ETH_P_IPV6)) {
    if (loadBytes(skb, linkBytes, &header, 40) || header.bytes[0] >> 4 != 6) return TC_ACT_UNSPEC;
    tunnel.protocol = header.v6.nexthdr;
    __builtin_memcpy(tunnel.source, &header.bytes[8], 16);
    __builtin_memcpy(tunnel.destination, &header.bytes[24], 16);
    tunnel.isIpv6 = 1;
    ipBytes = 40;
    total = 40 + BE16(header.v6.payload_len);
    ecn = BE16(header.halves[0]) >> 4 & 3;
  } else {
    return TC_ACT_UNSPEC;
  }
  if (total + linkBytes > skb->len) return TC_ACT_UNSPEC;

  /* What stands between the outer IP header and the inner packet, and the inner family. */
  const __u32 payload = linkBytes + ipBytes;
  __u32 tunnelBytes = 0, isIpv6;
  if (tunnel.protocol == kIpip) {
    isIpv6 = 0;
  } else if (tunnel.protocol == kIpv6) {
    isIpv6 = 1;
  } else if (tunnel.protocol == kGre) {
    if (loadBytes(skb, payload, &header, 4) || (header.halves[0] & ~BE16(kGreReserved))) return TC_ACT_UNSPEC;
    if (header.halves[1] != BE16(ETH_P_IP) && header.halves[1] != BE16(ETH_P_IPV6)) return TC_ACT_UNSPEC;
    tunnelBytes = 4;
    isIpv6 = header.halves[1] == BE16(ETH_P_IPV6);
  } else if (tunnel.protocol == IPPROTO_UDP && CONSTANT(kDecapTakesGue)) {
    /* With a checksum it may be several datagrams in one, and the checksum would be nobody's to look at. */
    if (loadBytes(skb, payload, &header, 12) || header.halves[3]) return TC_ACT_UNSPEC;
    if (BE16(header.halves[2]) != total - ipBytes) return TC_ACT_UNSPEC;
    tunnel.port = header.halves[1];
    const __u8 version = header.bytes[8] >> 6;
    if (version == 1) {
      tunnelBytes = 8;
      isIpv6 = header.bytes[8] >> 4 == 6;
      if (!isIpv6 && header.bytes[8] >> 4 != 4) return TC_ACT_UNSPEC;
    } else {
      if (header.bytes[8] || header.halves[5]) return TC_ACT_UNSPEC;
      if (header.bytes[9] != kIpip && header.bytes[9] != kIpv6) return TC_ACT_UNSPEC;
      tunnelBytes = 12;
      isIpv6 = header.bytes[9] == kIpv6;
    }
  } else {
    return TC_ACT_UNSPEC;
  }
  tunnel.interfaceIndex = skb->ifindex;
  if (!mapLookup(&tunnels, &tunnel)) return TC_ACT_UNSPEC;
  if (CONSTANT(kDecapMayOutlive) && hasEnded(&life)) return TC_ACT_UNSPEC;

  const __u32 outerBytes = ipBytes + tunnelBytes;
  if (total < outerBytes) return TC_ACT_UNSPEC;
  struct Inner inner;
  __builtin_memset(&inner, 0, sizeof inner);
  const __u32 at = payload + tunnelBytes;
  if (isIpv6 ? parse6(skb, at, total - outerBytes, &inner) : parse4(skb, at, total - outerBytes, &inner))
    return TC_ACT_UNSPEC;
  if (!mapLookup(&addresses, &inner.destination)) return TC_ACT_UNSPEC;
  /* RFC 6040 figure 4: these change what the inner header says, or forbid the packet. */
  if ((ecn == 3 && inner.ecn != 3) || (ecn == 1 && inner.ecn == 2)) return TC_ACT_UNSPEC;
  /* What is in several segments has to be one inner packet of TCP, and not several outer ones. */
  const __u32 segmentBytes = skb->gso_size;
  __u32 segments = 1, headerBytes = 0;
  if (segmentBytes) {
    if (inner.protocol != IPPROTO_TCP || inner.length != total - outerBytes) return TC_ACT_UNSPEC;
    headerBytes = isIpv6 ? 40 : 20;
    if (loadBytes(skb, at + headerBytes, &header, 20)) return TC_ACT_UNSPEC;
    headerBytes += (header.bytes[12] >> 4) * 4;
    if (inner.length <= headerBytes) return TC_ACT_UNSPEC;
    segments = (inner.length - headerBytes + segmentBytes - 1) / segmentBytes;
  }

  __u32 cpu = currentCpu();
  struct DecapTally *tally = mapLookup(&tallies, &cpu);
  if (!tally) return TC_ACT_UNSPEC;
  __u64 flags = BPF_F_ADJ_ROOM_FIXED_GSO;
  if (isIpv6 != tunnel.isIpv6) flags |= isIpv6 ? BPF_F_ADJ_ROOM_DECAP_L3_IPV6 : BPF_F_ADJ_ROOM_DECAP_L3_IPV4;
  if (adjustRoom(skb, -(__s32)outerBytes, BPF_ADJ_ROOM_MAC, flags)) return TC_ACT_UNSPEC;
  if (inner.isTrusted) changeTrust(skb, kCsumTrusted);
  forgetHash(skb); /* the outer one, which all flows of the tunnel have in common */
  tally->packets += segments;
  tally->bytes += inner.length + (segments - 1) * headerBytes;
  tally->superPackets += segmentBytes != 0;
  return redirectTo(CONSTANT(kDecapDevice), BPF_F_INGRESS);
}
