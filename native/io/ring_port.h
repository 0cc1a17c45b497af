// The port of a ring reads what comes in by a device of the host for some prefixes, before the host routes it, and
// keeps that from the host. It sends by another port, which takes what a ring does not.
#pragma once

#include <memory>

#include "io/port_list.h"

namespace tunvs {

// REQUIRES: context.main
Result<std::unique_ptr<Port>> openRingPort(const PortOptions& options, PortContext& context);

}  // namespace tunvs
