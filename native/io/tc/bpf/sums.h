/* One's complement sums of headers (RFC 1071), in memory's order. */
#ifndef TUNVS_IO_TC_SUMS_H
#define TUNVS_IO_TC_SUMS_H

#include "io/tc/bpf/helpers.h"

#define BE16(value) __builtin_bswap16(value)

INLINE __u32 fold(__u64 sum) {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return (sum & 0xffff) + (sum >> 16);
}

/* Sums an IPv4 header without options; folded, it is 0xffff where the checksum is right. */
INLINE __u64 sum20(const void* at) {
  const __u32* words = at;
  return (__u64)words[0] + words[1] + words[2] + words[3] + words[4];
}

#endif
