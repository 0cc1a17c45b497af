// The port of a TUN device reads what the kernel routes into it, and sends by an egress; what goes to the host itself
// is written back into the device.
#pragma once

#include <memory>

#include "io/port_list.h"

namespace tunvs {

Result<std::unique_ptr<Port>> openTunPort(const PortOptions& options, PortContext& context);

}  // namespace tunvs
