// Counters of one worker. Written by that worker alone, summed by whoever reads.
//
// The law:  received = the sum of verdicts          (verdict.h)
//           handedOut = sent + egressNoBuffer + egressNoRoute + egressTooLong + egressFailed   (with an egress)
// handedOut counts what was given to the egress: forwarded packets, their fragments, answers.
#pragma once

#include <algorithm>
#include <atomic>
#include <span>

#include "director/counters/verdict.h"

namespace tunvs {

// A counter with one writer: no locked instruction, never torn.
class Counter {
 public:
  void add(uint64_t n) { value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed); }
  uint64_t read() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

struct alignas(64) WorkerStats {
  Counter received;
  Counter receivedBytes;
  Counter forwardedBytes;  // inner bytes, without outer headers
  Counter connectionsCreated;
  Counter connectionsMidStream;  // of those created: by a packet from their middle
  Counter connectionsExpired;    // reached their deadline
  Counter connectionsEvicted;    // gave way to a new one in a full table
  Counter evictedClosing;        // of those evicted: closed or closing
  Counter evictedUnproven;       // had shown nothing: fewer than three packets, or never established
  Counter evictedIdle;           // had been idle longest for their timeout
  Counter templatesEvicted;      // persistence templates that gave way, which nothing counted on
  Counter connectionsDropped;    // ended early: rescheduled, their server was removed, or drop_entry
  Counter templatesCreated;      // persistence templates
  Counter templatesEnded;
  Counter vectors;  // reads that brought at least one packet
  Counter handedOut;
  Counter fragmentsSent;       // outer fragments of packets that were too long for their path
  Counter fragmentsReleased;   // had waited for their datagram's first fragment, and went on
  Counter fragmentsRefused;    // had waited for it, and could not: their path is too narrow, or there is none
  Counter parkedReleased;      // had waited for a policy's answer, and were forwarded
  Counter parkedRefused;       // had waited for it, and were not
  Counter answersUnreachable;  // ICMP destination unreachable, for packets counted with a drop verdict
  Counter answersReset;        // TCP resets, likewise
  Counter answersSuppressed;   // answers not given because of the rate limit
  Counter pathMtuLowered;      // path MTUs learned from ICMP errors
  Counter pathMtuDisbelieved;  // ICMP errors that would have lowered one, and could not be about what was sent, or came
                               // too often
  Counter sent;
  Counter sentToHost;  // those of `sent` that went to this host's own stack, for local nodes
  Counter egressNoBuffer;
  Counter egressNoRoute;
  Counter egressTooLong;
  Counter egressFailed;
  Counter oversized;  // longer than the device's buffers; not in `received`
  Counter verdicts[kVerdicts];
};

// The names that JavaScript sees, in the order in which readCounters() writes.
inline constexpr std::string_view kCounterNames[] = {
    "received",
    "receivedBytes",
    "forwardedBytes",
    "connectionsCreated",
    "connectionsMidStream",
    "connectionsExpired",
    "connectionsEvicted",
    "evictedClosing",
    "evictedUnproven",
    "evictedIdle",
    "templatesEvicted",
    "connectionsDropped",
    "templatesCreated",
    "templatesEnded",
    "vectors",
    "handedOut",
    "fragmentsSent",
    "fragmentsReleased",
    "fragmentsRefused",
    "parkedReleased",
    "parkedRefused",
    "answersUnreachable",
    "answersReset",
    "answersSuppressed",
    "pathMtuLowered",
    "pathMtuDisbelieved",
    "sent",
    "sentToHost",
    "egressNoBuffer",
    "egressNoRoute",
    "egressTooLong",
    "egressFailed",
    "oversized",
};
inline constexpr size_t kNamedCounters = std::size(kCounterNames);
inline constexpr size_t kCounters = kNamedCounters + kVerdicts;
static_assert(sizeof(WorkerStats) >= kCounters * sizeof(uint64_t));

// Adds one worker's counters to `sums`. REQUIRES: sums.size() == kCounters
inline void addTo(std::span<uint64_t> sums, const WorkerStats& stats) {
  const auto* all = reinterpret_cast<const Counter*>(&stats);
  static_assert(offsetof(WorkerStats, verdicts) == kNamedCounters * sizeof(Counter));
  for (size_t i = 0; i < kCounters; i++) sums[i] += all[i].read();
}

// The highest value of this while and of the one before, with one writer but for clear(), which may lose a race with
// it.
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
  Counter outPackets;  // ICMP errors from the tunnel that were told to clients; replies are never seen
  Counter outBytes;
  Counter tooBig;     // packets answered with the path's MTU
  Counter fragments;  // outer fragments sent
  HighMark longest;   // packet sent lately, inner bytes: what an ICMP error about a longer one says is not believed
};
static_assert(sizeof(ServerCounters) == 64);

}  // namespace tunvs
