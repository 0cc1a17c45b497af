#include "director/config/source_use.h"

#include <algorithm>

namespace tunvs {

void SourceUse::add(const ServiceKey& service, const ServerView& server) {
  const bool hadSource = server.former != nullptr && server.former->traits->takesSource;
  if (!server.traits->takesSource && !hadSource) return;
  const auto count = [](const std::atomic<int32_t>& connections) {
    return static_cast<uint64_t>(std::max(connections.load(std::memory_order_relaxed), 0));
  };
  parts_[server.key()].push_back({service.protocol, count(server.state->active) + count(server.state->inactive)});
}

uint64_t SourceUse::of(const ServiceKey& service, const ServerKey& server) const {
  const auto at = parts_.find(server);
  if (at == parts_.end()) return 0;
  uint64_t sum = 0;
  for (const Part& part : at->second) {
    if (part.protocol == service.protocol || part.protocol == 0 || service.protocol == 0) sum += part.connections;
  }
  return sum;
}

}  // namespace tunvs
