// Lists the egresses, and opens one by its name or by trying.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "io/port/egress.h"
#include "io/route/next_hop_resolver.h"

namespace tunvs {

// An egress may need these. One context serves all workers of a director, so that they share a resolver.
struct EgressContext {
  int tunDescriptor = -1;          // this worker's TUN queue, set anew for each worker; -1: the device is no TUN
  bool hasVnetHeader = false;      // what is written to it begins with a virtio header
  std::vector<IpAddress> sources;  // the director's addresses, one per family at most
  bool bypassesQdisc = false;
  bool sendsTrains = false;                   // GUE goes in trains, which the kernel cuts
  std::shared_ptr<NextHopResolver> resolver;  // started by the first egress that needs it
};

struct PassedOver {
  std::string egress;
  std::string reason;
};

// Returns the names in order of preference: packet, raw, tun.
std::span<const std::string_view> egressNames();

// `name` is one of egressNames(), or "auto" for the first that works; `passedOver` (may be null) learns why others did
// not.
Result<std::unique_ptr<Egress>> openEgress(std::string_view name, EgressContext& context,
                                           std::vector<PassedOver>* passedOver = nullptr);

}  // namespace tunvs
