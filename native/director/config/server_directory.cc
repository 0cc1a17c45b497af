#include "director/config/server_directory.h"

#include <cstring>

#include "core/siphash.h"
#include "forward/forwarding_method.h"

namespace tunvs {
namespace {

bool isFamily(uint8_t family) {
  return family == static_cast<uint8_t>(Family::ipv4) || family == static_cast<uint8_t>(Family::ipv6);
}

IpAddress addressOf(uint8_t family, const uint8_t* bytes) {
  return family == static_cast<uint8_t>(Family::ipv4) ? IpAddress::v4(bytes[0], bytes[1], bytes[2], bytes[3])
                                                      : IpAddress::v6(bytes);
}

}  // namespace

// Whoever can write the memory can write this as well: it is against accidents.
uint32_t ServerDirectory::checkOf(const Copy& copy) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(&copy);
  return static_cast<uint32_t>(sipHash13({0x7365727665727331, 0}, {bytes, offsetof(Copy, check)}));
}

ServerDirectory::Copy ServerDirectory::copyOf(const Entry& entry) {
  Copy copy{};
  const auto& [service, server, tunnel] = entry;
  std::memcpy(copy.serviceAddress, service.address.bytes.data(), addressBytes(service.address.family));
  std::memcpy(copy.serverAddress, server.address.bytes.data(), addressBytes(server.address.family));
  copy.mark = service.mark;
  copy.port = service.port;
  copy.lastPort = service.lastPort;
  copy.serverPort = server.port;
  copy.tunnelPort = tunnel.port;
  copy.serviceFamily = static_cast<uint8_t>(service.address.family);
  copy.protocol = service.protocol;
  copy.prefix = service.prefix;
  copy.serverFamily = static_cast<uint8_t>(server.address.family);
  copy.method = static_cast<uint8_t>(tunnel.method);
  copy.tunnelChecksum = static_cast<uint8_t>(tunnel.checksum);
  copy.told = static_cast<uint8_t>(tunnel.told);
  copy.check = checkOf(copy);
  return copy;
}

std::optional<ServerDirectory::Entry> ServerDirectory::entryOf(const Copy& copy) {
  if (copy.check != checkOf(copy) || !isFamily(copy.serviceFamily) || !isFamily(copy.serverFamily)) return std::nullopt;
  if (copy.method >= kForwardingMethods || copy.tunnelChecksum > static_cast<uint8_t>(TunnelChecksum::remote) ||
      copy.told > static_cast<uint8_t>(ClientTold::proxy))
    return std::nullopt;
  Entry entry;
  entry.service.address = addressOf(copy.serviceFamily, copy.serviceAddress);
  entry.service.port = copy.port;
  entry.service.protocol = copy.protocol;
  entry.service.prefix = copy.prefix;
  entry.service.lastPort = copy.lastPort;
  entry.service.mark = copy.mark;
  entry.server = {addressOf(copy.serverFamily, copy.serverAddress), copy.serverPort};
  entry.tunnel = {static_cast<ForwardingMethod>(copy.method), copy.tunnelPort,
                  static_cast<TunnelChecksum>(copy.tunnelChecksum), static_cast<ClientTold>(copy.told)};
  return entry;
}

void ServerDirectory::write(uint32_t id, const Entry& entry) { records_[id].write(copyOf(entry)); }

std::optional<ServerDirectory::Entry> ServerDirectory::read(uint32_t id) const {
  const Copy* copy = records_[id].read();
  return copy == nullptr ? std::nullopt : entryOf(*copy);
}

}  // namespace tunvs
