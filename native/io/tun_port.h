// The port of a TUN device: what the kernel routes into it is read, and sent by an egress; to the host itself it is
// written back.
#pragma once

#include <memory>

#include "io/port_list.h"

namespace tunvs {

Result<std::unique_ptr<Port>> openTunPort(const PortOptions& options, PortContext& context);

}  // namespace tunvs
