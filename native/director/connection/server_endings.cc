#include "director/connection/server_endings.h"

#include <vector>

namespace tunvs {

void ServerEndings::goOn(const ServiceTable& services, size_t holds) {
  std::vector<Loose> loose;
  for (; left_ > 0 && holds > 0; holds--) {
    const uint32_t shards = entries_.table(Family::ipv4).shardCount();
    const Family family = shard_ < shards ? Family::ipv4 : Family::ipv6;
    unit_ = entries_.table(family).removeIf(shard_ % shards, unit_, [&](Conn& conn) {
      const ServerView* server = services.server(serverIdOf(conn));
      if (server == nullptr || server->available || server->isAwaited || Entries::isInUse(conn)) return false;
      entries_.endEarly(stats_, family, conn, loose);
      return true;
    });
    for (const Loose& each : loose) entries_.dropLoose(stats_, family, each, /*gone=*/true);
    loose.clear();
    if (unit_ != 0) continue;
    left_--;
    shard_ = shard_ + 1 == 2 * shards ? 0 : shard_ + 1;
  }
}

EndedSome ServerEndings::endThoseOf(uint32_t server, uint64_t cursor, size_t holds) {
  // In each family the connections come first, then the templates, when nothing counts on them any more.
  const uint32_t shards = entries_.table(Family::ipv4).shardCount();
  uint64_t round = cursor >> 32;
  auto unit = static_cast<uint32_t>(cursor);
  uint64_t ended = 0;
  std::vector<Loose> loose;
  for (; round < 4 * uint64_t{shards} && holds > 0; holds--) {
    const Family family = round < 2 * uint64_t{shards} ? Family::ipv4 : Family::ipv6;
    const bool ofTemplates = round / shards % 2 != 0;
    unit = entries_.table(family).removeIf(static_cast<uint32_t>(round % shards), unit, [&](Conn& conn) {
      const bool isMeant = serverIdOf(conn) == server && isTemplate(conn) == ofTemplates;
      if (!isMeant || Entries::isInUse(conn)) return false;
      if (const Loose left = entries_.unbind(stats_, family, conn); left.isAny()) loose.push_back(left);
      if (!ofTemplates) ended++;
      return true;
    });
    for (const Loose& each : loose) entries_.settleLoose(family, each);
    loose.clear();
    if (unit == 0) round++;
  }
  stats_.connectionsDropped.add(ended);
  return {ended, round < 4 * uint64_t{shards} ? round << 32 | unit : UINT64_MAX};
}

}  // namespace tunvs
