// The egresses there are, and how to get one by name or by trying.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "io/port/egress.h"
#include "io/route/next_hop_resolver.h"

namespace tunvs {

// What an egress may need. One context serves all workers of a director, so that they share a resolver.
struct EgressContext {
  int tunDescriptor = -1;          // this worker's TUN queue; -1: the device is no TUN. Change it per worker
  std::vector<IpAddress> sources;  // the director's addresses, one per family at most
  bool bypassesQdisc = false;
  std::shared_ptr<NextHopResolver> resolver;  // started by the first egress that needs it
};

struct PassedOver {
  std::string egress;
  std::string reason;
};

// In order of preference: packet, raw, tun.
std::span<const std::string_view> egressNames();

// `name`: one of egressNames(), or "auto" for the first that works; `passedOver` (may be null) learns why others did
// not.
Result<std::unique_ptr<Egress>> openEgress(std::string_view name, EgressContext& context,
                                           std::vector<PassedOver>* passedOver = nullptr);

}  // namespace tunvs
