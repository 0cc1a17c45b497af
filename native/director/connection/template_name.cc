#include "director/connection/template_name.h"

#include <algorithm>

#include "core/siphash.h"
#include "director/protocol/protocol_state.h"
#include "packet/sip_call_id.h"

namespace tunvs {
namespace {

IpAddress masked(const IpAddress& client, const Persistence& persistence) {
  if (client.isV4()) return IpAddress::v4(Be32{client.asV4().raw & persistence.mask4.raw});
  IpAddress part = client;
  for (size_t i = 0; i < part.bytes.size(); i++) {
    const int bits = std::clamp(persistence.prefix6 - static_cast<int>(i) * 8, 0, 8);
    part.bytes[i] &= static_cast<uint8_t>(0xff00 >> bits);
  }
  return part;
}

// Writes a mark where an address belongs, as IPVS does.
IpAddress addressOf(uint32_t mark, Family family) {
  IpAddress address = IpAddress::v4(Be32::from(mark));
  address.family = family;
  return address;
}

FlowKey nameKeyOf(const ServiceView& service, const FlowKey& flow) {
  const ServiceKey& key = service.key;
  const IpAddress client = masked(flow.client(), service.config.persistence);
  if (key.isMark()) return FlowKey::make(client, {}, addressOf(key.mark, flow.family), {}, 0, FlowKind::persistence);
  if (key.hasPrefix() || key.hasRange())
    return FlowKey::make(client, {}, key.address, Be16::from(key.port), key.protocol, FlowKind::rangePersistence);
  // FTP's data connections come on any port.
  const bool isOnePort = key.port == flow.virtualPort().host() && key.port != kFtpPort;
  return FlowKey::make(client, {}, flow.virtualAddress(), isOnePort ? flow.virtualPort() : Be16{}, key.protocol,
                       FlowKind::persistence);
}

}  // namespace

std::optional<TemplateName> templateName(const ServiceView& service, const FlowKey& flow,
                                         std::span<const uint8_t> payload) {
  TemplateName name{nameKeyOf(service, flow), {}};
  if (service.config.persistence.engine.empty()) return name;
  if (flow.protocol() != kUdpProtocol) return std::nullopt;
  const auto callId = sipCallId(payload);
  if (!callId) return std::nullopt;
  const FlowKey& key = name.key;
  name.key = FlowKey::make(key.client(), {}, key.virtualAddress(), key.virtualPort(), key.protocol(),
                           FlowKind::enginePersistence);
  name.data = *callId;
  // The hash needs no secret: a client that makes calls collide loses only its own persistence.
  name.dataHash = sipHash13(SipKey{}, {reinterpret_cast<const uint8_t*>(callId->data()), callId->size()});
  return name;
}

}  // namespace tunvs
