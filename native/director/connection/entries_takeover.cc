// Entries of a table that another process has left, which may have died at any store, or whose memory somebody has
// written into: what does not hold together ends here, and the rest is counted anew.
#include <algorithm>

#include "core/split_mix.h"
#include "director/config/service_key.h"
#include "director/connection/entries.h"
#include "director/protocol/protocol_state.h"

namespace tunvs {
namespace {

// The longest timeout that can be set.
constexpr uint32_t kLongest = ticksFromSeconds(2678400);
constexpr uint8_t kMarks = kReplyExpected | kReplyOfFtp | kReplyTold;
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
    const uint8_t marks = conn.state.load(std::memory_order_relaxed);
    if (marks != 0 && conn.protocol != static_cast<uint8_t>(IpProtocol::tcp)) return false;
    return conn.kind == FlowKind::connection && (marks & ~kMarks) == 0;
  }
  if (!std::ranges::binary_search(ids, serverIdOf(conn))) return false;
  if (isTemplate(conn)) {
    // What a persistence engine has found lay in the process that is gone.
    if (conn.kind > FlowKind::rangePersistence || isTranslated(conn)) return false;
    if (conn.state.load(std::memory_order_relaxed) > static_cast<uint8_t>(TemplateState::assured)) return false;
    conn.control.store(0, std::memory_order_relaxed);
    return conn.packets.load(std::memory_order_relaxed) <= kLongest;
  }
  return conn.state.load(std::memory_order_relaxed) < stateCount(conn.protocol);
}

Entries::TakenOver Entries::takeOver(std::span<const uint32_t> ids, const ServerDirectory& servers, Tick now) {
  TakenOver taken;
  for (const Family family : {Family::ipv4, Family::ipv6}) endUnsound(family, ids, now, taken);
  takeNotes();
  for (const Family family : {Family::ipv4, Family::ipv6}) takeOver(family, servers, taken);
  // The pairs that the predecessor took last may have late segments under way, and are not the first to be taken now.
  for (const uint32_t id : ids) pool_.state(id).nextSource.store(SplitMix64(uint64_t{now} << 32 | id).next() >> 16);
  return taken;
}

void Entries::endUnsound(Family family, std::span<const uint32_t> ids, Tick now, TakenOver& taken) {
  ConnTable& conns = table(family);
  sweep(conns, [&](Conn& conn) {
    const bool stays = isSound(conn, ids, now) && isFoundOnce(conns, conn);
    taken.ended += !stays;
    return !stays;
  });
}

void Entries::takeNotes() {
  using Note = ConnectionNotes::Note;
  std::vector<std::pair<Note, uint32_t>> ofData;
  notes_.takeOver([&](const Note& note, uint32_t number) {
    const Conn* reply = table(note.family).findNamed(note.reply);
    if (reply == nullptr || !isReplyEntry(*reply)) return false;
    const uint8_t marks = reply->state.load(std::memory_order_relaxed);
    if (note.kind == ConnectionNotes::Kind::told) return (marks & kReplyTold) != 0 && told_.restore(note, number);
    if ((marks & kReplyOfFtp) == 0) return false;
    if (note.kind == ConnectionNotes::Kind::ftpControl) return ftp_.sessions.restore(note, number);
    ofData.emplace_back(note, number);
    return true;
  });
  // Now all control connections are known.
  for (const auto& [note, number] : ofData) {
    if (!ftp_.sessions.restore(note, number)) notes_.erase(number);
  }
}

bool Entries::hasNotes(const Conn& conn, Family family, const Conn& reply, const ServerDirectory& servers) const {
  const uint8_t marks = reply.state.load(std::memory_order_relaxed);
  // It has begun, and its server was just going to be told.
  const bool mayBegin = conn.protocol == static_cast<uint8_t>(IpProtocol::tcp) &&
                        conn.state.load(std::memory_order_relaxed) == static_cast<uint8_t>(TcpState::synRecv);
  if ((marks & kReplyTold) == 0 && mayBegin) {
    const auto server = servers.read(serverIdOf(conn));
    if (server && server->tunnel.told != ClientTold::none) return false;
  }
  if (marks == 0) return true;
  const ConnTable& conns = table(family);
  const uint32_t name = conns.referenceOf(&reply);
  const FlowKey flow = conns.keyOf(conn);
  if ((marks & kReplyExpected) != 0 && flow.clientPort().raw != 0) return false;
  if ((marks & kReplyTold) != 0 && !told_.knows(family, name)) return false;
  // A data connection goes on without its control connection.
  return (marks & kReplyOfFtp) == 0 || flow.virtualPort().host() != kFtpPort || ftp_.sessions.knows(family, name);
}

void Entries::takeOver(Family family, const ServerDirectory& servers, TakenOver& taken) {
  ConnTable& conns = table(family);
  const auto end = [&](bool isSound) {
    taken.ended += !isSound;
    return !isSound;
  };
  // A translated connection and its reply entry name each other, or both end.
  const auto otherOf = [&](const Conn& conn) {
    Conn* other = conns.findNamed(conn.control.load(std::memory_order_relaxed));
    return other != nullptr && other->control.load(std::memory_order_relaxed) == conns.referenceOf(&conn) ? other
                                                                                                          : nullptr;
  };
  sweep(conns, [&](Conn& conn) {
    if (isTemplate(conn) || !isTranslated(conn)) return false;
    const Conn* reply = otherOf(conn);
    return end(reply != nullptr && isReplyEntry(*reply) && hasNotes(conn, family, *reply, servers));
  });
  sweep(conns, [&](Conn& conn) {
    if (!isReplyEntry(conn)) return false;
    const Conn* own = otherOf(conn);
    const bool stays = own != nullptr && !isTemplate(*own) && isTranslated(*own);
    const uint8_t marks = conn.state.load(std::memory_order_relaxed);
    if (stays && (marks & kReplyExpected) != 0) ftp_.expected.fetch_add(1, std::memory_order_relaxed);
    if (!stays && marks != 0) {
      ftp_.sessions.forget(family, conns.referenceOf(&conn));
      told_.forget(family, conns.referenceOf(&conn));
    }
    return end(stays);
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
