// The ports there are, and how to get one by name or by trying.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "io/egress_list.h"
#include "io/port/port.h"

namespace tunvs {

struct PortOptions {
  std::string kind = "auto";                // one of portNames(), or "auto" for the first that works
  std::string device = "tunvs%d";           // its name; %d: the first free number
  size_t queues = 1;                        // [1, 256]
  size_t maxPacketBytes = kMaxPacketBytes;  // [64, kMaxPacketBytes]
  std::string egress = "auto";              // one of egressNames(), or "auto"
};

// What a port may need, and what was learned when it was opened. One context serves all ports of a director.
struct PortContext {
  EgressContext egress;
  // By whose device and egress is sent what comes in by a port that is opened now; null: by its own.
  const Port* main = nullptr;
  std::vector<PassedOver> passedOver;  // egresses of the main port
};

// In order of preference: tun.
std::span<const std::string_view> portNames();

Result<std::unique_ptr<Port>> openPort(const PortOptions& options, PortContext& context);

}  // namespace tunvs
