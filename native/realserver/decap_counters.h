// What a decapsulator counts.
//
// The law:  received = delivered + writeFailed + the sum of the refusals      (decap_verdict.h)
#pragma once

#include <iterator>

#include "realserver/decap_verdict.h"

namespace tunvs {

// Each line gives a counter's name, the kind of what it counts, and which of that kind it counts.
// clang-format off
#define TUNVS_DECAP_COUNTERS(COUNTER) \
  COUNTER(received, packets, "came by a tunnel's socket") \
  COUNTER(delivered, packets, "inner ones that the host's stack got") \
  COUNTER(deliveredBytes, bytes, "of the inner packets that the host's stack got") \
  TUNVS_DECAP_REFUSALS(COUNTER) \
  COUNTER(writeFailed, packets, "inner ones that the TUN device did not take") \
  COUNTER(merged, packets, "of delivered, that the TUN device took as part of a merged packet") \
  COUNTER(superPackets, packets, "merged ones that the host's stack got; not in received") \
  COUNTER(mergesRefused, packets, "merged ones that the TUN device refused; what they were made of was then written one by one") \
  COUNTER(fastDelivered, packets, "of delivered, that the program in the kernel took apart") \
  COUNTER(socketFull, packets, "dropped by the kernel, because a socket's buffer was full; not in received")
// clang-format on

enum class DecapCounterKind : uint8_t { packets, bytes };
inline constexpr std::string_view kDecapCounterKindNames[] = {"packets", "bytes"};

#define TUNVS_MEMBER(name, kind, sentence) uint64_t name = 0;
struct DecapCounters {
  TUNVS_DECAP_COUNTERS(TUNVS_MEMBER)
};
#undef TUNVS_MEMBER

struct DecapCounterInfo {
  std::string_view name;  // as JavaScript sees it
  DecapCounterKind kind;
  std::string_view sentence;
  uint64_t DecapCounters::*field;
};

// The counters come in the order in which readCounters() writes them.
#define TUNVS_INFO(name, kind, sentence) {#name, DecapCounterKind::kind, sentence, &DecapCounters::name},
inline constexpr DecapCounterInfo kDecapCounterInfos[] = {TUNVS_DECAP_COUNTERS(TUNVS_INFO)};
#undef TUNVS_INFO
static_assert(sizeof(DecapCounters) == std::size(kDecapCounterInfos) * sizeof(uint64_t));

}  // namespace tunvs
