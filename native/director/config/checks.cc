#include "director/config/checks.h"

#include <cmath>

#include "director/protocol/protocol_state.h"
#include "director/protocol/tunables.h"

namespace tunvs {
namespace {

Error invalid(std::string message) { return Error::make(ErrorCode::invalidArgument, std::move(message)); }

std::string bracketed(const IpAddress& address) {
  return address.isV4() ? toString(address) : "[" + toString(address) + "]";
}

std::string_view protocolName(uint8_t protocol) {
  switch (protocol) {
    case kTcpProtocol: return "TCP";
    case kUdpProtocol: return "UDP";
    case kSctpProtocol: return "SCTP";
    default: return "IP";
  }
}

std::string addressText(const ServiceKey& key) {
  return key.hasPrefix() ? toString(AddressPrefix{key.address, key.prefix}) : toString(key.address);
}

Result<void> checkMarkKey(const ServiceKey& key) {
  ServiceKey bare;
  bare.mark = key.mark;
  bare.address.family = key.address.family;
  if (key == bare) return {};
  return invalid("a virtual service of a mark has no protocol, address or port of its own");
}

}  // namespace

std::string textOf(const ServiceKey& key) {
  if (key.isMark()) return "mark " + std::to_string(key.mark) + (key.address.isV4() ? " of IPv4" : " of IPv6");
  const std::string address = addressText(key);
  std::string text = std::string(protocolName(key.protocol)) + " " +
                     (key.address.isV4() ? address : "[" + address + "]") + ":" + std::to_string(key.port);
  if (key.hasRange()) text += "-" + std::to_string(key.lastPort);
  return text;
}

std::string textOf(const ServerKey& key) { return bracketed(key.address) + ":" + std::to_string(key.port); }

Error noSuchService(const ServiceKey& key) {
  return Error::make(ErrorCode::notFound, "there is no virtual service " + textOf(key) + "; add it first");
}

Error noSuchServer(const ServiceKey& service, const ServerKey& server) {
  return Error::make(ErrorCode::notFound,
                     "real server " + textOf(server) + " is not in " + textOf(service) + "; add it first");
}

Result<void> checkServiceKey(const ServiceKey& key) {
  if (key.isMark()) return checkMarkKey(key);
  if (!isBalanced(key.protocol)) {
    return Error::make(ErrorCode::unsupported, "protocol " + std::to_string(key.protocol) +
                                                   " is not balanced; TCP (6), UDP (17) and SCTP (132) are");
  }
  if (key.hasPrefix()) {
    auto prefix = parseAddressPrefix(toString(key.address) + "/" + std::to_string(key.prefix));
    if (!prefix) return prefix.error();
  }
  const bool isEveryAddress = key.hasPrefix() && key.prefix == 0;
  if (!isEveryAddress && !isUnicast(key.address))
    return invalid(toString(key.address) + " can't be a virtual address; it must be unicast");
  if (key.hasRange() && (key.port == 0 || key.lastPort < key.port)) {
    return invalid("a range of ports goes from 1 or more to a higher one, not from " + std::to_string(key.port) +
                   " to " + std::to_string(key.lastPort));
  }
  return {};
}

Result<void> checkServiceConfig(const ServiceKey& key, const ServiceConfig& config) {
  const Persistence& persistence = config.persistence;
  if (persistence.timeoutSeconds > kMaxTimeoutSeconds)
    return invalid("a persistence of " + std::to_string(persistence.timeoutSeconds) +
                   " s is too long; the longest is 2678400 s (31 days)");
  if (persistence.mask4.raw == 0) return invalid("a persistence netmask of 0.0.0.0 would make all clients one");
  if (persistence.prefix6 == 0 || persistence.prefix6 > 128)
    return invalid("a persistence prefix has 1 to 128 bits, not " + std::to_string(persistence.prefix6));
  if (!persistence.engine.empty()) {
    if (persistence.engine != "sip")
      return Error::make(ErrorCode::unsupported,
                         "there is no persistence engine '" + persistence.engine + "'; there is 'sip'");
    if (!config.isPersistent()) return invalid("a persistence engine needs a persistent service; give it a timeout");
  }
  if (config.onePacket && !key.isMark() && key.protocol != kUdpProtocol)
    return invalid("one-packet scheduling is for UDP services and those of a mark, not for " + textOf(key));
  return checkTimeouts(config.timeouts, key.isMark() ? uint8_t{0} : key.protocol);
}

Result<void> checkServerConfig(const ServerConfig& config, const ServerCondition& condition) {
  if (config.weight < 0) return invalid("a weight of " + std::to_string(config.weight) + " is below 0");
  if (condition.assignedWeight && *condition.assignedWeight < 0)
    return invalid("an assigned weight of " + std::to_string(*condition.assignedWeight) + " is below 0");
  const HealthCondition& health = condition.health;
  if (health.weight && *health.weight < 0)
    return invalid("health's weight of " + std::to_string(*health.weight) + " is below 0");
  if (!(health.factor >= 0 && std::isfinite(health.factor)))
    return invalid("health's factor " + std::to_string(health.factor) + " is not a number from 0 up");
  if (config.lowerThreshold > config.upperThreshold) {
    return invalid("the lower threshold " + std::to_string(config.lowerThreshold) + " is above the upper threshold " +
                   std::to_string(config.upperThreshold));
  }
  return {};
}

Result<void> checkMarkRule(const MarkRule& rule) {
  if (rule.mark == 0) return invalid("a mark is 1 or more, not 0");
  if (rule.firstPort > rule.lastPort) {
    return invalid("a range of ports goes from the lower to the higher, not from " + std::to_string(rule.firstPort) +
                   " to " + std::to_string(rule.lastPort));
  }
  for (const auto& prefix : {rule.source, rule.destination}) {
    if (prefix && prefix->base.family != rule.family)
      return invalid(toString(*prefix) + " is not of the mark rule's address family");
  }
  return {};
}

Result<const Scheduler*> findScheduler(const ServiceConfig& config, size_t servers) {
  const Scheduler* scheduler = schedulerByName(config.scheduler);
  if (scheduler == nullptr)
    return Error::make(ErrorCode::unsupported, "there is no scheduler '" + config.scheduler + "'");
  if (auto checked = scheduler->accepts(config.schedulerOptions, servers); !checked) return checked.error();
  if (auto checked = checkForScheduler(*scheduler, config); !checked) return checked.error();
  return scheduler;
}

}  // namespace tunvs
