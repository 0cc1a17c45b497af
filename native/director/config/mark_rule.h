// Rules of the director's own that give packets a firewall mark by address, port and protocol.
#pragma once

#include <optional>

#include "core/address_prefix.h"
#include "core/flow_key.h"

namespace tunvs {

// A packet has to fit every part that is given. Ports fit only TCP, UDP and SCTP.
struct MarkRule {
  uint32_t mark = 0;  // not 0
  Family family = Family::ipv4;
  std::optional<AddressPrefix> source;       // CIP; of `family`
  std::optional<AddressPrefix> destination;  // VIP; of `family`
  uint8_t protocol = 0;                      // 0: any
  uint16_t firstPort = 0, lastPort = 65535;  // destination port, host order

  bool matches(const FlowKey& flow) const {
    const uint16_t port = flow.virtualPort().host();
    return flow.family == family && (protocol == 0 || protocol == flow.protocol()) && port >= firstPort &&
           port <= lastPort && (!source || source->contains(flow.client())) &&
           (!destination || destination->contains(flow.virtualAddress()));
  }

  friend bool operator==(const MarkRule&, const MarkRule&) = default;
};

}  // namespace tunvs
