// Reads a recorded trace of states (test/golden/nat-*.json): after each packet of either side, and after each pause,
// the entry of the connection and the counts of its server.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tunvs::testing {

struct GoldenStep {
  struct Entry {
    std::string client;  // address:port
    std::string state;
    uint32_t expires;  // seconds left, rounded down, a moment after the packet or the pause
  };

  std::string name;             // what the recording calls the packet, or the command of an event
  std::vector<uint8_t> packet;  // an IP packet; empty for an event
  bool isFromClient = false;
  std::optional<Entry> entry;  // nullopt: there was none, or nobody looked
  std::string service;         // protocol, address:port; "" when nobody looked
  uint32_t active = 0, inactive = 0;
};

// Returns packets and events in the order of the file; nullopt when test/golden/`name` is not there. Aborts on a step
// with several entries, which the traces that are read so do not have.
std::optional<std::vector<GoldenStep>> goldenSteps(const std::string& name);

}  // namespace tunvs::testing
