// A tunnel's far end for tests is written from the specifications alone: it shares no code with what it checks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tunvs::testing {

struct Tunnelled {
  int outerVersion = 0;   // 4 or 6
  int outerProtocol = 0;  // IANA number behind the outer IP header
  int trafficClass = 0;
  int ttl = 0;
  uint32_t flowLabel = 0;
  uint16_t identification = 0;
  bool dontFragment = false;
  int sourcePort = 0, destinationPort = 0;  // of GUE's UDP header
  bool hasChecksum = false;                 // of the tunnel, and right
  std::vector<uint8_t> inner;               // with the remote checksum filled in, if that was asked for
  std::string problem;                      // empty when everything holds
};

Tunnelled takeApart(const std::vector<uint8_t>& packet);

// Returns true when these bytes, a checksum among them, add up (RFC 1071), `pseudo` included.
bool addsUp(const std::vector<uint8_t>& bytes, const std::vector<uint8_t>& pseudo = {});

}  // namespace tunvs::testing
