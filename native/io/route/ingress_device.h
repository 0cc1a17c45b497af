// Looks whether packets can be taken of a device as they come in, before the host has routed them.
#pragma once

#include <cstdint>
#include <string>

#include "core/result.h"

namespace tunvs {

// Returns the length of the link header, 14 or 0. Fails for a device whose packets the host does not take as they come,
// or that has another link header. `owner` says who wants to read: "the fast path".
Result<uint32_t> ingressLinkBytes(const std::string& owner, const std::string& device, int interfaceIndex);

}  // namespace tunvs
