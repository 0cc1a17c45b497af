// Entries of a table that another process has left, which may have died at any store, or whose memory somebody has
// written into: what does not hold together ends here, and the rest is counted anew.
#include <algorithm>

#include "director/connection/entries.h"
#include "director/protocol/protocol_state.h"

namespace tunvs {
namespace {

// The longest timeout that can be set.
constexpr uint32_t kLongest = ticksFromSeconds(2678400);
constexpr uint8_t kKept = kConnLive | kConnInactive | kConnInvalid | kConnProven;

// Calls `onEach(Conn&)` -> true to remove, for all live entries.
template <typename OnEach>
void sweep(ConnTable& conns, OnEach&& onEach) {
  for (uint32_t shard = 0; shard < conns.shardCount(); shard++) {
    for (uint32_t unit = conns.removeIf(shard, 0, onEach); unit != 0;) unit = conns.removeIf(shard, unit, onEach);
  }
}

// Sets a reply entry right that was hidden behind another which never came, or is gone. Of several entries that are
// found by one key, one is sound.
bool isFoundOnce(ConnTable& conns, Conn& conn) {
  const FlowKey key = conns.keyOf(conn);
  const Conn* found = conns.find(key, conns.hash(key));
  const bool isHidden = (conn.flags.load(std::memory_order_relaxed) & kConnInvalid) != 0;
  if (!isHidden) return found == &conn;
  if (isReplyEntry(conn) && found == nullptr)
    conn.flags.fetch_and(static_cast<uint8_t>(~kConnInvalid), std::memory_order_relaxed);
  return isReplyEntry(conn) || isTemplate(conn);
}

}  // namespace

// Looks at what an entry says by itself, and sets right what may be set right.
bool Entries::isSound(Conn& conn, std::span<const uint32_t> ids, Tick now) {
  conn.flags.fetch_and(kKept, std::memory_order_relaxed);
  const uint32_t left = conn.expires.load(std::memory_order_relaxed) - now;
  const bool isDue = static_cast<int32_t>(left) <= 0;
  if (!isDue && left > kLongest) return false;
  if (!isBalanced(conn.protocol) && !isTemplate(conn)) return false;
  if (isReplyEntry(conn)) {
    // What FTP has announced, and what a server is told of its client, lay in the process that is gone.
    return conn.kind == FlowKind::connection && conn.state.load(std::memory_order_relaxed) == 0;
  }
  if (!std::ranges::binary_search(ids, serverIdOf(conn))) return false;
  if (isTemplate(conn)) {
    // So did what a persistence engine has found.
    if (conn.kind > FlowKind::rangePersistence || isTranslated(conn)) return false;
    if (conn.state.load(std::memory_order_relaxed) > static_cast<uint8_t>(TemplateState::assured)) return false;
    conn.control.store(0, std::memory_order_relaxed);
    return conn.packets.load(std::memory_order_relaxed) <= kLongest;
  }
  return conn.state.load(std::memory_order_relaxed) < stateCount(conn.protocol);
}

Entries::TakenOver Entries::takeOver(std::span<const uint32_t> ids, Tick now) {
  TakenOver taken;
  for (const Family family : {Family::ipv4, Family::ipv6}) takeOver(family, ids, now, taken);
  return taken;
}

void Entries::takeOver(Family family, std::span<const uint32_t> ids, Tick now, TakenOver& taken) {
  ConnTable& conns = table(family);
  const auto end = [&](bool isSound) {
    taken.ended += !isSound;
    return !isSound;
  };
  sweep(conns, [&](Conn& conn) { return end(isSound(conn, ids, now) && isFoundOnce(conns, conn)); });
  // A translated connection and its reply entry name each other, or both end.
  const auto otherOf = [&](const Conn& conn) {
    Conn* other = conns.findNamed(conn.control.load(std::memory_order_relaxed));
    return other != nullptr && other->control.load(std::memory_order_relaxed) == conns.referenceOf(&conn) ? other
                                                                                                          : nullptr;
  };
  sweep(conns, [&](Conn& conn) {
    if (isTemplate(conn) || !isTranslated(conn)) return false;
    const Conn* reply = otherOf(conn);
    return end(reply != nullptr && isReplyEntry(*reply));
  });
  sweep(conns, [&](Conn& conn) {
    if (!isReplyEntry(conn)) return false;
    const Conn* own = otherOf(conn);
    return end(own != nullptr && !isTemplate(*own) && isTranslated(*own));
  });
  sweep(conns, [&](Conn& conn) {
    if (isReplyEntry(conn)) return false;
    ServerState& state = pool_.state(serverIdOf(conn));
    pool_.references(serverIdOf(conn)).fetch_add(1, std::memory_order_relaxed);
    if (isTemplate(conn)) {
      state.persistent.fetch_add(1, std::memory_order_relaxed);
      taken.templates++;
      return false;
    }
    taken.connections++;
    const bool isActive = isActiveState(conn.protocol, conn.state.load(std::memory_order_relaxed));
    if (isActive) conn.flags.fetch_and(static_cast<uint8_t>(~kConnInactive), std::memory_order_relaxed);
    if (!isActive) conn.flags.fetch_or(kConnInactive, std::memory_order_relaxed);
    (isActive ? state.active : state.inactive).fetch_add(1, std::memory_order_relaxed);
    auto& controller =
        isTranslated(conn) ? conns.named(conn.control.load(std::memory_order_relaxed))->packets : conn.control;
    Conn* named = conns.findNamed(controller.load(std::memory_order_relaxed));
    if (named != nullptr && isTemplate(*named)) {
      named->control.fetch_add(1, std::memory_order_relaxed);
    } else {
      controller.store(0, std::memory_order_relaxed);
    }
    return false;
  });
}

}  // namespace tunvs
