#include "forward/tunnel_options.h"

#include <string>

namespace tunvs {
namespace {

Result<void> refuse(ForwardingMethod method, const std::string& reason) {
  return Error::make(ErrorCode::invalidArgument, "forwarding method '" + std::string(nameOf(method)) + "' " + reason);
}

}  // namespace

std::optional<ForwardingMethod> forwardingMethodByName(std::string_view name) {
  for (const auto& info : kForwardingMethods) {
    if (info.name == name) return info.method;
  }
  return std::nullopt;
}

std::string_view nameOf(ForwardingMethod method) {
  for (const auto& info : kAllForwardingMethods) {
    if (info.method == method) return info.name;
  }
  return "";
}

Result<void> checkTunnel(const TunnelOptions& options, Family inner, Family outer) {
  const ForwardingMethod method = options.method;
  if (method == ForwardingMethod::gue && options.port == 0) {
    return refuse(method, "needs the real server's UDP port; give one from 1 to 65535");
  }
  if (method != ForwardingMethod::gue && options.port != 0) {
    return refuse(method, "has no port; leave it out, or choose 'gue'");
  }
  if (options.checksum == TunnelChecksum::remote && method != ForwardingMethod::gue) {
    return refuse(method, "has no remote checksum; leave it out, or choose 'gue'");
  }
  const bool hasChecksum = method == ForwardingMethod::gue || method == ForwardingMethod::gre;
  if (options.checksum != TunnelChecksum::none && !hasChecksum) {
    return refuse(method, "has no tunnel checksum; leave it out, or choose 'gue' or 'gre'");
  }
  if (method == ForwardingMethod::dr && inner != outer) {
    return refuse(method, "needs a real server of the virtual service's address family; choose 'ipip', 'gue' or 'gre'");
  }
  return {};
}

}  // namespace tunvs
