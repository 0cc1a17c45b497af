// Measures what a flood costs: a table holds established connections, new ones come, and an attacker sends ten packets
// from forged addresses for each packet of a legitimate client.
//
// The table has a time of its own: each step of 4 ms brings the same number of packets, however long it takes to handle
// them. So what is lost is the same on every machine; what a packet costs is this machine's figure.
#pragma once

#include <cstdint>

#include "core/result.h"

namespace tunvs::bench {

enum class Flood : uint8_t {
  none,
  syn,          // at the clients' service
  established,  // SYN, then ACK
  talking,      // SYN, then ACK, then data
  udp,          // at another service
  fragments,    // first fragments of datagrams, at that service
  persistent,   // SYNs at a persistent service
};

struct AttackBenchOptions {
  Flood flood = Flood::syn;
  uint32_t capacity = 1u << 20;    // of the table, [2^16, 2^26]
  uint32_t established = 500'000;  // connections that exist already, each with a packet every half minute, <= capacity
  uint32_t newPerSecond = 2'000;   // visiting clients, [250, 10^6]; each goes on for as long as it is served
  uint32_t floodFactor = 10;       // the attacker's packets for each packet of the clients
  uint32_t seconds = 60;           // [1, 600]
  uint64_t seed = 1;
};

struct AttackBenchResult {
  uint64_t establishedSent = 0, establishedForwarded = 0;  // packets of the connections that existed already
  uint64_t comers = 0, comersServed = 0;                   // visiting clients, and those whose packets all got through
  uint64_t floodPackets = 0;
  uint64_t establishedNs = 0, establishedTimed = 0;  // of whole vectors of established packets
  uint64_t floodNs = 0;
  uint64_t connections = 0;  // in the table at the end
  uint64_t evictedClosing = 0, evictedUnproven = 0, evictedIdle = 0, refused = 0;
};

Result<AttackBenchResult> runAttackBench(const AttackBenchOptions& options);

}  // namespace tunvs::bench
