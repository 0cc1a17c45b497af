#include "forward/forward.h"

#include "forward/ipip.h"

namespace tunvs {

std::optional<ForwardingMethod> forwardingMethodByName(std::string_view name) {
  for (const auto& info : kForwardingMethods) {
    if (info.name == name) return info.method;
  }
  return std::nullopt;
}

std::string_view nameOf(ForwardingMethod method) {
  for (const auto& info : kForwardingMethods) {
    if (info.method == method) return info.name;
  }
  return "";
}

OuterHeader makeOuterHeader(ForwardingMethod method, const IpAddress& source, const IpAddress& server) {
  switch (method) {
    case ForwardingMethod::ipip:
      return makeIpipHeader(source, server);
  }
  return {};
}

}  // namespace tunvs
