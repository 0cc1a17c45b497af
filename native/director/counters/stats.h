// The counters of one worker. Only that worker writes them; whoever reads sums them.
//
// The law:  received = the sum of verdicts          (verdict.h)
//           handedOut = sent + egressNoBuffer + egressNoRoute + egressTooLong + egressFailed   (with an egress)
// handedOut counts what was given to the egress: forwarded packets, or the segments or fragments that they became, and
// answers.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <span>

#include "core/counter.h"
#include "director/counters/verdict.h"

namespace tunvs {

// Each line gives a counter's name, the kind of what it counts, and which of that kind it counts. Beside these, each
// verdict is a counter of packets.
// clang-format off
#define TUNVS_COUNTERS(COUNTER) \
  COUNTER(received, packets, "read from the device") \
  COUNTER(receivedBytes, bytes, "of the packets read") \
  COUNTER(forwardedBytes, bytes, "of forwarded packets, without outer headers") \
  COUNTER(fastForwarded, packets, "of those forwarded: sent on by the fast path, inside the kernel") \
  COUNTER(slowOther, packets, "of those received beside a fast path: no TCP or UDP, with IP options or extension headers, UDP super-packets, or of lengths that contradict each other") \
  COUNTER(slowFragment, packets, "of those received beside a fast path: fragments") \
  COUNTER(slowControl, packets, "of those received beside a fast path: TCP segments with SYN, FIN or RST, or without ACK") \
  COUNTER(slowUnknown, packets, "of those received beside a fast path: of no connection that it finds") \
  COUNTER(slowNotYet, packets, "of those received beside a fast path: of connections that are not handed over to it (again) yet, or end") \
  COUNTER(slowExpired, packets, "of those received beside a fast path: of connections whose deadline had come") \
  COUNTER(slowRise, packets, "of those received beside a fast path: the 11th packet of a connection where that counts at once, or one after a timeout was shortened") \
  COUNTER(slowServer, packets, "of those received beside a fast path: to real servers that carry nothing, have no resolved next hop, or need the engine") \
  COUNTER(slowTooLong, packets, "of those received beside a fast path: too long for the path") \
  COUNTER(fastFailed, packets, "lost in the fast path, as the kernel had no room for the outer header; not in received") \
  COUNTER(connectionsCreated, connections, "opened") \
  COUNTER(connectionsMidStream, connections, "of those opened: by a packet from their middle (midStream hash)") \
  COUNTER(connectionsExpired, connections, "reached their timeout") \
  COUNTER(connectionsEvicted, connections, "gave way to a new one in a full table") \
  COUNTER(evictedClosing, connections, "of those evicted: were closed, or closing") \
  COUNTER(evictedUnproven, connections, "of those evicted: had sent fewer than three packets, or were never established") \
  COUNTER(evictedIdle, connections, "of those evicted: had been idle longest for their timeout") \
  COUNTER(templatesEvicted, templates, "gave way in a full table; no connection counted on them") \
  COUNTER(connectionsDropped, connections, "ended early: rescheduled, ended at a drain's deadline, their real server was removed or is down, or drop_entry") \
  COUNTER(connectionsReset, connections, "of those ended early: their real server was down, and the client was sent a reset") \
  COUNTER(connectionsRescheduled, connections, "of those ended early: their real server was down, and their next packet went elsewhere") \
  COUNTER(templatesCreated, templates, "made") \
  COUNTER(templatesEnded, templates, "expired, evicted or dropped") \
  COUNTER(vectors, reads, "brought at least one packet") \
  COUNTER(readsHeldBack, reads, "had to wait until the egress had sent what it still kept") \
  COUNTER(superPackets, packets, "read that were still to be cut into segments (TSO, USO)") \
  COUNTER(segmentsMade, packets, "cut out of those, by the director or the kernel behind its egress") \
  COUNTER(badOffloads, packets, "dropped as what their virtio header says contradicts them; not in received") \
  COUNTER(offloadsRefused, packets, "whose offload was refused when they were sent, which were finished and sent again") \
  COUNTER(handedOut, packets, "given to the egress: forwarded ones, their segments and fragments, answers") \
  COUNTER(fragmentsSent, packets, "outer fragments of what was too long for its path") \
  COUNTER(fragmentsReleased, packets, "fragments that had waited for their datagram's first, and went on") \
  COUNTER(fragmentsRefused, packets, "fragments that had waited for their datagram's first, and could not be forwarded: too long for the path, or none is left") \
  COUNTER(parkedReleased, packets, "had waited for a policy's answer, and were forwarded") \
  COUNTER(parkedRefused, packets, "had waited for a policy's answer, and could not be forwarded") \
  COUNTER(answersUnreachable, packets, "ICMP destination unreachable, sent for packets that a drop verdict counts") \
  COUNTER(answersReset, packets, "TCP resets, sent for packets that a drop verdict counts") \
  COUNTER(answersSuppressed, packets, "answers that the rate limit held back") \
  COUNTER(pathMtuLowered, reports, "ICMP errors from which a path MTU was learned") \
  COUNTER(pathMtuDisbelieved, reports, "ICMP errors that would have lowered a path MTU, but were not about what was sent lately, or came too often") \
  COUNTER(sent, packets, "taken by the egress") \
  COUNTER(sentToHost, packets, "of those sent: went to the host itself, for local nodes") \
  COUNTER(egressNoBuffer, packets, "not sent: the socket's or the device's queue was full") \
  COUNTER(egressNoRoute, packets, "not sent: no route or no neighbour to the real server") \
  COUNTER(egressTooLong, packets, "not sent: longer than the path's MTU") \
  COUNTER(egressFailed, packets, "not sent: any other error") \
  COUNTER(oversized, packets, "longer than maxPacketBytes; not in received")
// clang-format on

enum class CounterKind : uint8_t { packets, bytes, connections, templates, reads, reports };
inline constexpr std::string_view kCounterKindNames[] = {"packets",   "bytes", "connections",
                                                         "templates", "reads", "reports"};

#define TUNVS_MEMBER(name, kind, sentence) Counter name;
struct alignas(64) WorkerStats {
  TUNVS_COUNTERS(TUNVS_MEMBER)
  Counter verdicts[kVerdicts];
};
#undef TUNVS_MEMBER

struct CounterInfo {
  std::string_view name;  // as JavaScript sees it
  CounterKind kind;
  std::string_view sentence;
};

// The counters come in the order in which readCounters() writes them, followed by the verdicts.
#define TUNVS_INFO(name, kind, sentence) {#name, CounterKind::kind, sentence},
inline constexpr CounterInfo kCounterInfos[] = {TUNVS_COUNTERS(TUNVS_INFO)};
#undef TUNVS_INFO

inline constexpr size_t kNamedCounters = std::size(kCounterInfos);
inline constexpr size_t kCounters = kNamedCounters + kVerdicts;
static_assert(sizeof(WorkerStats) >= kCounters * sizeof(uint64_t));

// Adds one worker's counters to `sums`. REQUIRES: sums.size() == kCounters
inline void addTo(std::span<uint64_t> sums, const WorkerStats& stats) {
  const auto* all = reinterpret_cast<const Counter*>(&stats);
  static_assert(offsetof(WorkerStats, verdicts) == kNamedCounters * sizeof(Counter));
  for (size_t i = 0; i < kCounters; i++) sums[i] += all[i].read();
}

// The highest value of the current period and of the one before. It has one writer, except for clear(), which may lose
// a race with the writer.
class HighMark {
 public:
  void raise(uint32_t value) {
    if (value > now_.load(std::memory_order_relaxed))
      now_.store(static_cast<uint16_t>(value), std::memory_order_relaxed);
  }
  uint32_t read() const {
    return std::max(now_.load(std::memory_order_relaxed), before_.load(std::memory_order_relaxed));
  }
  void turn() {
    before_.store(now_.load(std::memory_order_relaxed), std::memory_order_relaxed);
    now_.store(0, std::memory_order_relaxed);
  }
  void clear() {
    before_.store(0, std::memory_order_relaxed);
    now_.store(0, std::memory_order_relaxed);
  }

 private:
  std::atomic<uint16_t> now_{0}, before_{0};
};

// What one worker counted for one real server.
struct alignas(64) ServerCounters {
  Counter connections;
  Counter packets;
  Counter bytes;       // of the inner packets
  Counter outPackets;  // to clients: replies that were rewritten, and ICMP errors about tunnel packets in their terms
  Counter outBytes;
  Counter tooBig;     // packets answered with the path's MTU
  Counter fragments;  // outer fragments sent
  HighMark longest;   // longest packet sent lately, inner bytes: an ICMP error about a longer one is not believed

  // These say without a check that the server may be in trouble. An established connection counts nothing here.
  alignas(64) Counter repeatedOpenings;  // connections whose SYN or INIT came again before anything else
  Counter clientResets;                  // resets and aborts of connections that were not closed yet
  Counter tunnelErrors;                  // ICMP errors about packets to it, except for those that tell an MTU
};
static_assert(offsetof(ServerCounters, repeatedOpenings) == 64, "packets that are forwarded touch one cache line");

}  // namespace tunvs
