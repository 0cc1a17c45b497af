// Lists the ports, and opens one by its name or by trying.
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
  std::string device = "tunvs%d";           // the device's name; %d: the first free number
  size_t queues = 1;                        // [1, 256]
  size_t maxPacketBytes = kMaxPacketBytes;  // [64, kMaxPacketBytes]
  std::string egress = "auto";              // one of egressNames(), or "auto"
  OffloadChoice offloads = OffloadChoice::automatic();
  bool steersByProgram = true;  // flows are steered to queues by a program, where the kernel takes one
  // A device's queues that another process has opened and uses no more, for a port that takes them; see TunOptions.
  std::vector<int> given = {};
  bool wasAttached = false;
};

// A port may need some of these, and opening one fills in the rest. One context serves all ports of a director.
struct PortContext {
  EgressContext egress;
  // A port that is opened now sends what comes in by it through the device and egress of `main`; if null, through its
  // own.
  const Port* main = nullptr;
  std::vector<PassedOver> passedOver;  // egresses that the main port passed over
};

// Returns the names in order of preference: tun, ring.
std::span<const std::string_view> portNames();

Result<std::unique_ptr<Port>> openPort(const PortOptions& options, PortContext& context);

}  // namespace tunvs
