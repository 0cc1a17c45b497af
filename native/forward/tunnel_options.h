// TunnelOptions are what can be chosen about the way to a real server.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "core/inet.h"
#include "core/result.h"
#include "forward/forwarding_method.h"

namespace tunvs {

// `checksum` is the UDP checksum of GUE, or the checksum in GRE's header. `remote` (GUE only) lets the real server
// finish the inner packet's own checksum if that is still to be done (encapsulateGueUnfinished()); other packets go as
// with `checksum`.
enum class TunnelChecksum : uint8_t { none, checksum, remote };

struct TunnelChecksumInfo {
  std::string_view name;
  TunnelChecksum checksum;
};
inline constexpr TunnelChecksumInfo kTunnelChecksums[] = {
    {"none", TunnelChecksum::none}, {"checksum", TunnelChecksum::checksum}, {"remote", TunnelChecksum::remote}};
std::string_view nameOf(TunnelChecksum checksum);

// How a real server learns the client's address where full NAT has taken it out of TCP packets: not at all; by an
// option in the first packets' TCP headers (TOA, number 254); or by a header of the PROXY protocol, version 2, in front
// of what the client says.
enum class ClientTold : uint8_t { none, toa, proxy };
inline constexpr std::string_view kClientToldNames[] = {"none", "toa", "proxy"};
constexpr std::string_view nameOf(ClientTold told) { return kClientToldNames[static_cast<size_t>(told)]; }
std::optional<ClientTold> clientToldByName(std::string_view name);

struct TunnelOptions {
  ForwardingMethod method = ForwardingMethod::ipip;
  uint16_t port = 0;  // GUE: the real server's UDP port, host order, not 0; 0 for the other methods
  TunnelChecksum checksum = TunnelChecksum::none;
  ClientTold told = ClientTold::none;

  friend bool operator==(const TunnelOptions&, const TunnelOptions&) = default;
};

// Returns an Error that names the option that the method lacks or does not know, or the families that it can't join.
Result<void> checkTunnel(const TunnelOptions& options, Family inner, Family outer);

}  // namespace tunvs
