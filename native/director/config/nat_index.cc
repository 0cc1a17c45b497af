#include "director/config/nat_index.h"

#include <algorithm>
#include <tuple>

namespace tunvs {
namespace {

auto nameOf(const NatIndex::Endpoint& endpoint) { return std::tie(endpoint.server, endpoint.protocol); }

}  // namespace

void NatIndex::add(const ServiceKey& key, const ServiceView* service, const ServerView& server) {
  // A server that does not know clients sends nothing to them.
  const ServerView* rewriting = server.suitedTo(/*rewrites=*/true);
  hasAny_ |= rewriting != nullptr && !rewriting->traits->takesSource;
  if (!server.traits->rewrites() || server.traits->takesSource) return;
  if (server.port != 0 && key.protocol != 0) endpoints_.push_back({server.key(), key.protocol, service});
}

void NatIndex::sort() {
  // Of equal ones, that of a service which is still there comes first.
  std::stable_sort(endpoints_.begin(), endpoints_.end(), [](const Endpoint& a, const Endpoint& b) {
    return nameOf(a) != nameOf(b) ? nameOf(a) < nameOf(b) : (a.service != nullptr) > (b.service != nullptr);
  });
}

const NatIndex::Endpoint* NatIndex::find(const IpAddress& address, Be16 port, uint8_t protocol) const {
  const Endpoint wanted{{address, port.host()}, protocol, nullptr};
  const auto at = std::lower_bound(endpoints_.begin(), endpoints_.end(), wanted,
                                   [](const Endpoint& a, const Endpoint& b) { return nameOf(a) < nameOf(b); });
  return at != endpoints_.end() && nameOf(*at) == nameOf(wanted) ? &*at : nullptr;
}

}  // namespace tunvs
