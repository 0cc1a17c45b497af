#include "forward/tunnel_options.h"

#include <string>

#include "forward/forwarding_traits.h"

namespace tunvs {
namespace {

Result<void> refuse(ForwardingMethod method, const std::string& reason) {
  return Error::make(ErrorCode::invalidArgument, "forwarding method '" + std::string(nameOf(method)) + "' " + reason);
}

// Returns the names of the methods for which `has` is true: 'ipip', 'gue' or 'gre'.
template <typename Has>
std::string thoseThat(Has&& has) {
  std::string names;
  std::string_view last;
  for (size_t i = 0; i < kForwardingMethods; i++) {
    if (!has(traitsOf(static_cast<ForwardingMethod>(i)))) continue;
    if (!last.empty()) names += (names.empty() ? "'" : ", '") + std::string(last) + "'";
    last = kForwardingMethodNames[i];
  }
  return names + (names.empty() ? "'" : " or '") + std::string(last) + "'";
}

}  // namespace

std::string_view nameOf(TunnelChecksum checksum) {
  for (const auto& info : kTunnelChecksums) {
    if (info.checksum == checksum) return info.name;
  }
  return "";
}

std::optional<ClientTold> clientToldByName(std::string_view name) {
  for (size_t i = 0; i < std::size(kClientToldNames); i++) {
    if (kClientToldNames[i] == name) return static_cast<ClientTold>(i);
  }
  return std::nullopt;
}

Result<void> checkTunnel(const TunnelOptions& options, Family inner, Family outer) {
  const ForwardingMethod method = options.method;
  const ForwardingTraits& traits = traitsOf(method);
  if (traits.hasPort && options.port == 0)
    return refuse(method, "needs the real server's UDP port; give one from 1 to 65535");
  if (!traits.hasPort && options.port != 0) {
    return refuse(method, "has no port; leave it out, or choose " +
                              thoseThat([](const ForwardingTraits& other) { return other.hasPort; }));
  }
  if (!traits.knows(options.checksum)) {
    const bool isRemote = options.checksum == TunnelChecksum::remote;
    return refuse(method, std::string("has no ") + (isRemote ? "remote" : "tunnel") +
                              " checksum; leave it out, or choose " +
                              thoseThat([&](const ForwardingTraits& other) { return other.knows(options.checksum); }));
  }
  if (options.told != ClientTold::none && !traits.takesSource) {
    return refuse(method, "leaves the client's address in packets, so nothing has to tell it; leave '" +
                              std::string(nameOf(options.told)) + "' out, or choose 'snat'");
  }
  if (inner != outer && (traits.delivery == Delivery::link || traits.rewrites())) {
    return refuse(method, "needs a real server of the virtual service's address family; choose " +
                              thoseThat([](const ForwardingTraits& other) { return other.isTunnel(); }));
  }
  return {};
}

}  // namespace tunvs
