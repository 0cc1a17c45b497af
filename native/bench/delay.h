// Measures how long packets take from one network namespace to another: it sends UDP datagrams at an even pace into the
// one, and sees their frames come in on an interface of the other. One thread does both and never sleeps, so a packet
// waits neither for a timer nor for the receiver to wake up.
//
// A packet's delay runs from the call that sends it. The pace does not depend on what comes. A sender that something
// held up for more than 50 us goes on at its pace from then on, as what it makes up for would be a burst; how late it
// was is told apart. The datagrams come bare or in one IPv4 header (IPIP), which does not matter.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/inet.h"
#include "core/result.h"

namespace tunvs::bench {

struct DelayOptions {
  std::string interfaceName;  // to send on, in the caller's namespace
  std::array<uint8_t, 6> destinationMac{};
  IpAddress virtualAddress;       // IPv4
  uint16_t port = 0;              // [1, 65535]
  uint32_t flows = 1;             // [1, 2^24], taken in turn
  uint32_t packetBytes = 64;      // of the IP packet, [52, 1500]
  uint32_t packetsPerSecond = 0;  // [1, 10^6]
  uint32_t durationMs = 1000;     // [1, 60000]
  std::string receiverNamespace;  // the path of a namespace's file
  std::string receiverInterface;  // in that namespace
};

struct DelayResult {
  uint64_t sent = 0;      // that the socket took
  uint64_t received = 0;  // [0, sent]
  uint64_t ns = 0;        // from the first packet due to the last one sent
  // In ns, ascending: one for each packet that was due. Those that were lost are later than all others.
  std::vector<uint32_t> delays;
  // In ns, ascending: how long after it was due each packet was sent.
  std::vector<uint32_t> lateness;
};

inline constexpr uint32_t kLost = UINT32_MAX;

// What a datagram says of itself.
struct DelayStamp {
  uint64_t begin;  // of its measurement, which tells it from those of an earlier one
  uint64_t number;
  uint64_t sentAt;
};

// Finds the stamp of an IPv4 datagram, bare or in an outer IPv4 header without options. Further bytes may be missing.
std::optional<DelayStamp> readStamp(std::span<const uint8_t> packet);

// Returns the least value that at least this share of all is not above; 0 of none. REQUIRES: ascending, 0 < share <= 1
uint32_t quantile(std::span<const uint32_t> ascending, double share);

// Blocks for the duration, and for as long as the last packets take, at most kDrainMs. The calling thread is in another
// namespace meanwhile, though only while the receiving socket is opened. REQUIRES: CAP_NET_RAW and CAP_SYS_ADMIN
Result<DelayResult> measureDelay(const DelayOptions& options);

inline constexpr uint32_t kDrainMs = 200;

}  // namespace tunvs::bench
