#include "director/connection/data_connections.h"

#include "director/protocol/protocol_state.h"

namespace tunvs {

void DataConnections::expect(Pass& pass, const Conn& control, const ServerView& server, const FlowKey& flow,
                             const Endpoint& at) {
  ConnTable& conns = entries_.table(flow.family);
  const uint32_t announcing = follow(flow.family, control);
  if (announcing == 0) return;
  const uint64_t hash = conns.hash(flow);
  const Tick deadline = pass.now + pass.tunables().tcpTimeout(TcpState::listen);
  {
    ConnTable::Guard guard(conns, hash);
    Conn* known = conns.find(flow, hash);
    if (known != nullptr) {
      // The announcement came again, or the port is in use.
      const bool isExpected = isTranslated(*known) && known->state.load() == static_cast<uint8_t>(TcpState::listen);
      if (isExpected) entries_.moveLocked(known, flow.family, hash, deadline, pass.now);
      return;
    }
  }
  const bool isPassive = flow.clientPort().raw == 0;
  const IpAddress source = translations_.toServer(flow.family, control).source.address;
  insert(pass, server, flow, at, source, TcpState::listen, isPassive ? kReplyExpected : uint8_t{0}, announcing);
}

uint32_t DataConnections::follow(Family family, const Conn& control) {
  ConnTable& conns = entries_.table(family);
  const uint32_t known = control.control.load(std::memory_order_relaxed);
  if ((conns.named(known)->state.load(std::memory_order_relaxed) & kReplyOfFtp) != 0) return known;
  ConnTable::Guard guard(conns, conns.hash(conns.keyOf(control)));
  if (!control.isLive()) return 0;
  const uint32_t name = control.control.load(std::memory_order_relaxed);
  entries_.ftp().sessions.begin(family, name);
  conns.named(name)->state.fetch_or(kReplyOfFtp);
  return name;
}

Conn* DataConnections::open(Pass& pass, const ParsedPacket& parsed, uint64_t hash) {
  const FlowKey& flow = parsed.key;
  ConnTable& conns = entries_.table(flow.family);
  const FlowKey expected =
      FlowKey::make(flow.client(), Be16{}, flow.virtualAddress(), flow.virtualPort(), flow.protocol());
  const Conn* waiting = conns.find(expected, conns.hash(expected));
  if (waiting == nullptr || !isTranslated(*waiting) || waiting->hasExpired(pass.now)) return nullptr;
  const Conn& reply = *conns.named(waiting->control.load(std::memory_order_relaxed));
  if ((reply.state.load(std::memory_order_relaxed) & kReplyExpected) == 0) return nullptr;
  const ServerView* server = entries_.serverOf(pass.services, *waiting);
  if (server == nullptr || !server->carries) return nullptr;
  const FlowKey at = conns.keyOf(reply);
  const uint32_t control = entries_.ftp().sessions.controlOf(flow.family, conns.referenceOf(&reply));
  const TcpState state = nextTcpState(TcpState::listen, static_cast<TcpEvent>(parsed.event), false, Side::client);
  Conn* made = insert(pass, *server, flow, {at.client(), at.clientPort()}, at.virtualAddress(), state, 0, control);
  end(pass, expected, *waiting);
  // Another worker may have been faster.
  return made != nullptr ? made : conns.find(flow, hash);
}

// Returns null when the flow has a connection already, and when there is no room.
Conn* DataConnections::insert(Pass& pass, const ServerView& server, const FlowKey& flow, const Endpoint& at,
                              const IpAddress& source, TcpState state, uint8_t marks, uint32_t control) {
  WorkerStats& stats = pass.worker.stats;
  ConnTable& conns = entries_.table(flow.family);
  Verdict why;  // nobody waits for it
  const uint32_t reply = translations_.reserve(pass, server, flow, at, /*controller=*/0, why,
                                               {.marks = static_cast<uint8_t>(marks | kReplyOfFtp), .source = &source});
  if (reply == 0) return nullptr;
  const Entries::Opening opening{&server, /*controller=*/0, reply};
  const Tick deadline = pass.now + pass.tunables().tcpTimeout(state);
  const uint64_t hash = conns.hash(flow);
  Loose evicted;
  Conn* made = nullptr;
  {
    ConnTable::Guard guard(conns, hash);
    if (conns.find(flow, hash) == nullptr)
      made = entries_.openLocked(stats, flow, hash, static_cast<uint8_t>(state), deadline, pass.now, opening, evicted);
    if (made != nullptr) {
      if (control != 0) entries_.ftp().sessions.addData(flow.family, control, reply);
      if ((marks & kReplyExpected) != 0) entries_.ftp().expected.fetch_add(1, std::memory_order_relaxed);
    }
  }
  entries_.finishOpening(stats, flow.family, made != nullptr, opening, evicted);
  return made;
}

// Ends the entry that has waited.
void DataConnections::end(Pass& pass, const FlowKey& flow, const Conn& conn) {
  ConnTable& conns = entries_.table(flow.family);
  const uint64_t hash = conns.hash(flow);
  Loose loose;
  {
    ConnTable::Guard guard(conns, hash);
    Conn* there = conns.find(flow, hash);
    if (there != &conn) return;
    loose = entries_.unbind(pass.worker.stats, flow.family, *there);
    conns.removeLocked(there, hash);
    pass.worker.stats.connectionsDropped.add(1);
  }
  entries_.settleLoose(flow.family, loose);
}

}  // namespace tunvs
