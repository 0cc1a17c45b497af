/* Finds a flow's connection in the engine's own table, as table/conn_region.h and table/bucket_index.h lay it out.
 *
 * A line of the region is four buckets, two IPv4 connections or one IPv6 connection. The program looks at the home
 * bucket and the next, and at three tags that fit in each; a flow that lies elsewhere stays on the slow path.
 */
#ifndef TUNVS_FASTPATH_LOOKUP_H
#define TUNVS_FASTPATH_LOOKUP_H

#include "fastpath/bpf/layout.h"
#include "io/tc/bpf/helpers.h"

struct Conn {
  __u64 addresses;
  __u32 ports;
  __u32 meta; /* protocol, kind, state and flags, from the lowest byte on */
  __u32 server, expires, packets, control;
};
struct Bucket {
  __u64 low, high; /* 15 tags, and the count of what went on to the next bucket in the highest byte */
};
union Line {
  struct Bucket buckets[4];
  struct Conn conns[2];
  struct {
    struct Conn conn;
    __u64 words[4];
  } six;
};
enum { kSlots = 15, kFlagsShift = 24, kLive = 0x01, kInvalid = 0x04, kFast = 0x10 };

/* A flow as core/flow_key.h has it. */
struct Flow {
  __u64 words[4];
  __u64 tail;
};

extern const struct { int unused; } region __attribute__((section("maps")));

struct Wide {
  __u64 low, high;
};

INLINE struct Wide multiply(__u64 a, __u64 b) {
  const __u64 aLow = (__u32)a, aHigh = a >> 32, bLow = (__u32)b, bHigh = b >> 32;
  const __u64 low = aLow * bLow, cross = aLow * bHigh, other = aHigh * bLow;
  const __u64 middle = (low >> 32) + (__u32)cross + (__u32)other;
  const struct Wide product = {(__u32)low | middle << 32,
                               aHigh * bHigh + (cross >> 32) + (other >> 32) + (middle >> 32)};
  return product;
}

INLINE void add(struct Wide* sum, struct Wide term) {
  sum->low += term.low;
  sum->high += term.high + (sum->low < term.low);
}

/* table/flow_hash.h */
INLINE __u64 flowHash(const struct Flow* flow, int isV4) {
  struct Wide sum = multiply(flow->words[0] + CONSTANT(kFastSecret), flow->tail + CONSTANT(kFastSecret + 1));
  if (!isV4) {
    add(&sum, multiply(flow->words[1] + CONSTANT(kFastSecret + 2), flow->words[2] + CONSTANT(kFastSecret + 3)));
    add(&sum, multiply(flow->words[3] + CONSTANT(kFastSecret + 4), CONSTANT(kFastSecret + 5)));
  }
  const struct Wide spread = multiply(sum.low ^ __builtin_bswap64(sum.high), CONSTANT(kFastFinish));
  return spread.low ^ spread.high;
}

/* Returns a word with the highest bit of each byte that equals the tag. */
INLINE __u64 tagMatches(__u64 tags, __u8 tag) {
  const __u64 high = 0x8080808080808080ULL;
  const __u64 difference = tags ^ (0x0101010101010101ULL * tag);
  return ~(((difference & ~high) + ~high) | difference) & high;
}

/* Returns the live connection of a flow. `known` gets its meta word as it was before the key was compared: if that has
 * kFast, the entry is used for no other connection while this program runs. It is 0 when none was found here; then the
 * place that is returned is no connection's, and there for the verifier alone (as with LEAVE()). */
INLINE struct Conn* findConn(const struct Flow* flow, __u64 hash, int isV4, __u32* known) {
  const __u64 buckets = isV4 ? CONSTANT(kFastShardBuckets4) : CONSTANT(kFastShardBuckets6);
  const __u64 shardLines = isV4 ? CONSTANT(kFastShardLines4) : CONSTANT(kFastShardLines6);
  const __u32 shard = (isV4 ? CONSTANT(kFastFirstLine4) : CONSTANT(kFastFirstLine6)) +
                      ((hash >> 32) * CONSTANT(kFastShards) >> 32) * shardLines;
  const __u32 bucketsLine = shard + (isV4 ? CONSTANT(kFastBucketsLine4) : CONSTANT(kFastBucketsLine6));
  const __u32 connsLine = shard + (isV4 ? CONSTANT(kFastConnsLine4) : CONSTANT(kFastConnsLine6));
  struct Conn* none = 0;
  *known = 0;
  __u32 bucket = (hash & 0xffffffff) * buckets >> 32;
  __u8 tag = hash ^ (hash >> 16);
  if (tag < 2) tag += 2;
#pragma unroll
  for (int probe = 0; probe < 2; probe++) {
    __u32 at = bucketsLine + (bucket >> 2);
    const union Line* line = mapLookup(&region, &at);
    if (!line) LEAVE();
    if (probe == 0) none = (struct Conn*)line;
    const volatile struct Bucket* looked = &line->buckets[bucket & 3];
    const __u64 low = looked->low, high = looked->high;
    __u64 lowMatches = tagMatches(low, tag), highMatches = tagMatches(high, tag) & 0x0080808080808080ULL;
#pragma unroll
    for (int i = 0; i < 3; i++) {
      __u64 lowest;
      __u32 slot;
      if (lowMatches) {
        lowest = lowMatches & -lowMatches;
        lowMatches &= lowMatches - 1;
        slot = 0;
      } else if (highMatches) {
        lowest = highMatches & -highMatches;
        highMatches &= highMatches - 1;
        slot = 8;
      } else {
        break;
      }
      /* The byte's number, from the only bit that is set. */
      slot += ((lowest >> 7) * 0x0001020304050607ULL) >> 56;
      const __u32 unit = bucket * kSlots + slot;
      at = connsLine + (isV4 ? unit >> 1 : unit);
      union Line* found = mapLookup(&region, &at);
      if (!found) LEAVE();
      struct Conn* conn = isV4 ? &found->conns[unit & 1] : &found->six.conn;
      const __u32 meta = *(volatile __u32*)&conn->meta;
      if (conn->addresses != flow->words[0] || conn->ports != (__u32)flow->tail) continue;
      if ((meta & 0xffff) != flow->tail >> 32) continue;
      if ((meta & (kLive | kInvalid) << kFlagsShift) != kLive << kFlagsShift) continue;
      if (!isV4 && (found->six.words[0] != flow->words[0] || found->six.words[1] != flow->words[1] ||
                    found->six.words[2] != flow->words[2] || found->six.words[3] != flow->words[3]))
        continue;
      *known = meta;
      return conn;
    }
    if (high >> 56 == 0) return none;
    /* 0 behind the last: by arithmetic, so that the verifier knows equally little of it on all ways. */
    __u64 isWithin = ((__s64)(bucket + 1ULL - buckets)) >> 63;
    asm volatile("" : "+r"(isWithin));
    bucket = (bucket + 1) & (__u32)isWithin;
  }
  return none;
}

#endif
