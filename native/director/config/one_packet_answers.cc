#include "director/config/one_packet_answers.h"

#include <algorithm>
#include <map>

#include "director/config/checks.h"
#include "director/protocol/protocol_state.h"

namespace tunvs {
namespace {

// A service's UDP servers whose answers the director rewrites.
struct Claim {
  const ServiceView* service;
  const ServerView* server;
};

// Tells whether the server may send answers of the service's from a port.
bool mayAnswerFrom(const Claim& claim, uint16_t port) {
  if (claim.server->port != 0) return claim.server->port == port;
  const ServiceKey& key = claim.service->key;
  if (key.isMark() || key.port == 0) return true;
  return port >= key.port && port <= std::max(key.port, key.lastPort);
}

// Tells whether answers of another claim may be taken for answers of `alone`, which answers alone. A service that keeps
// connections has answers without one as well, when they come late; it has to name the very endpoint.
bool isTakenFor(const Claim& alone, const Claim& other) {
  if (other.service->config.onePacket) return mayAnswerFrom(other, alone.server->port);
  return !other.service->key.isMark() && other.server->port == alone.server->port;
}

Error clash(const Claim& alone, const Claim& other) {
  const std::string one = textOf(alone.service->key), another = textOf(other.service->key);
  return Error::make(ErrorCode::invalidArgument,
                     "real server " + textOf(alone.server->key()) + " would answer for " + one + " and for " + another +
                         ", and one-packet scheduling keeps no connection that could tell which; let the server " +
                         "listen on another port for one of them, or have no one-packet scheduling");
}

// Returns whose configuration an operation changes in a way that matters here; null: nobody's.
const ServiceKey* concernOf(const Operation& operation) {
  if (const auto* op = std::get_if<AddServer>(&operation)) return &op->service;
  if (const auto* op = std::get_if<EditServer>(&operation)) return &op->service;
  if (const auto* op = std::get_if<EditService>(&operation)) return &op->service;
  return nullptr;
}

}  // namespace

bool answersAlone(const ServiceView& service, const ServerKey& server) {
  const ServiceKey& key = service.key;
  return service.config.onePacket && server.port != 0 && !key.isMark() && !key.hasPrefix() && !key.hasRange() &&
         key.port != 0;
}

Result<void> checkOnePacketAnswers(const std::vector<std::shared_ptr<const ServiceView>>& services,
                                   std::span<const Operation> operations, size_t* failedAt) {
  if (std::ranges::none_of(operations, [](const Operation& op) { return concernOf(op) != nullptr; })) return {};
  if (std::ranges::none_of(services, [](const auto& service) { return service->config.onePacket; })) return {};
  std::map<IpAddress, std::vector<Claim>> claims;
  for (const auto& service : services) {
    if (!service->key.isMark() && service->key.protocol != kUdpProtocol) continue;
    for (const auto& server : service->owned) {
      if (server->traits->rewrites() && !server->traits->takesSource)
        claims[server->address].push_back({service.get(), server.get()});
    }
  }
  for (const auto& [address, here] : claims) {
    for (const Claim& alone : here) {
      if (!answersAlone(*alone.service, alone.server->key())) continue;
      const auto other = std::ranges::find_if(
          here, [&](const Claim& claim) { return claim.service != alone.service && isTakenFor(alone, claim); });
      if (other == here.end()) continue;
      for (size_t i = 0; failedAt != nullptr && i < operations.size(); i++) {
        const ServiceKey* concerned = concernOf(operations[i]);
        if (concerned != nullptr && (*concerned == alone.service->key || *concerned == other->service->key))
          *failedAt = i;
      }
      return clash(alone, *other);
    }
  }
  return {};
}

}  // namespace tunvs
