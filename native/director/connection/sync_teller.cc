#include "director/connection/sync_teller.h"

#include <algorithm>

#include "core/siphash.h"
#include "director/connection/template_name.h"
#include "director/protocol/protocol_state.h"
#include "director/protocol/sync_turns.h"

namespace tunvs {
namespace {

constexpr std::string_view kSipEngine = "sip";

uint32_t syncFlagsOf(ForwardingMethod method) {
  const ForwardingTraits& traits = traitsOf(method);
  if (traits.rewrites()) return static_cast<uint32_t>(SyncMethod::masquerade);
  if (traits.delivery == Delivery::host) return static_cast<uint32_t>(SyncMethod::local) | kSyncNoOutput;
  return static_cast<uint32_t>(traits.isTunnel() ? SyncMethod::tunnel : SyncMethod::direct) | kSyncNoOutput;
}

SyncSequence sequenceOf(const SequenceShift& shift) { return {shift.newest.at, shift.after, shift.newest.before}; }

// Tells whether what was told last has no part in the decision, which nearly all connections' packets need: then that
// is not read, as it lies in nobody's cache.
bool goesByCountAlone(const SyncTurns& turns, const SyncEntry& entry) {
  return turns.goesByCount() && !entry.isTemplate && entry.state == establishedState(entry.protocol);
}

// Decides as decideSync() does. REQUIRES: goesByCountAlone()
bool isTurnOf(const SyncTurns& turns, const SyncEntry& entry) {
  return turns.isTurn(entry.packets) && !(turns.settings().templatesOnly && entry.isPersistent);
}

// Tells whether this is the data of the template that a note is about: its key has a part of the data's hash.
bool isDataOf(std::string_view data, Be16 part) {
  const uint64_t hash = sipHash13(SipKey{}, {reinterpret_cast<const uint8_t*>(data.data()), data.size()});
  for (size_t i = 0; i < TemplateName::kVariants; i++) {
    if (static_cast<uint16_t>(hash >> (16 * i)) == part.raw) return true;
  }
  return false;
}

}  // namespace

SyncTeller::SyncTeller(Entries& entries, SyncCells& cells, size_t workers) : entries_(entries), cells_(cells) {
  for (size_t i = 0; i < workers; i++) rings_.push_back(std::make_unique<SpscRing<Note>>(kNotes));
}

FlowKey SyncTeller::Note::key() const {
  FlowKey key;
  std::memcpy(key.words, words, family == Family::ipv6 ? sizeof words : sizeof words[0]);
  key.tail = tail;
  key.family = family;
  return key;
}

void SyncTeller::Note::setKey(const FlowKey& key) {
  tail = key.tail;
  family = key.family;
  words[0] = key.words[0];
  if (family == Family::ipv4) [[likely]]
    return;
  for (size_t i = 1; i < 4; i++) words[i] = key.words[i];
}

SyncMemory SyncTeller::memoryOf(const SyncCell& cell, const Conn& conn) const {
  if ((conn.flags.load(std::memory_order_relaxed) & kConnTold) == 0) return cell.memory();
  return {.state = establishedState(conn.protocol)};
}

void SyncTeller::remember(const SyncMemory& memory, SyncCell cell, Family family, uint32_t reference) {
  auto& flags = entries_.table(family).named(reference)->flags;
  if ((flags.load(std::memory_order_relaxed) & kConnTold) != 0)
    flags.fetch_and(static_cast<uint8_t>(~kConnTold), std::memory_order_relaxed);
  cell.remember(memory);
  cells_.store(family, reference, cell);
}

SyncEntry SyncTeller::entryOf(const ServiceTable& services, Family family, const Conn& conn,
                              const ServerView& server) const {
  SyncEntry entry;
  entry.protocol = conn.protocol;
  entry.state = conn.state.load(std::memory_order_relaxed);
  entry.packets = conn.packets.load(std::memory_order_relaxed);
  entry.isTemplate = isTemplate(conn);
  entry.timeout = entry.isTemplate ? entry.packets
                                   : timeoutOf(services.tunables(), server.timeouts.get(), conn.protocol, entry.state);
  entry.isPersistent = !entry.isTemplate && entries_.controllerOf(family, conn) != 0;
  return entry;
}

void SyncTeller::ask(Pass& pass, Family family, const Conn& conn, const ServerView& server) {
  const ServiceTable& services = *pass.services;
  const SyncVersion version = syncVersionOf(services.tunables());
  if (version == SyncVersion::v0 && family == Family::ipv6) return;
  // A backup could not know which address and port full NAT has given to the connection.
  if (server.traits->takesSource) return;
  const uint32_t packets = conn.packets.load(std::memory_order_relaxed);
  const bool wasTold = askOne(services, pass.now, family, conn, server, packets, pass.worker.index);
  if (isControllerAsked(version, wasTold)) askController(pass, family, conn, wasTold);
}

const Conn* SyncTeller::ftpControlOf(Family family, const Conn& conn) const {
  if (!isTranslated(conn)) return nullptr;
  const ConnTable& conns = entries_.table(family);
  const uint32_t name = conn.control.load(std::memory_order_relaxed);
  if ((conns.named(name)->state.load(std::memory_order_relaxed) & kReplyOfFtp) == 0) return nullptr;
  const uint32_t control = entries_.ftp().sessions.controlOf(family, name);
  const Conn* const reply = control == 0 ? nullptr : conns.findNamed(control);
  return reply == nullptr || !isReplyEntry(*reply) ? nullptr : entries_.connectionOf(family, *reply);
}

void SyncTeller::askController(Pass& pass, Family family, const Conn& conn, bool wasTold) {
  const auto ask = [&](const Conn& its, const ServerView& leadsTo, uint32_t packets) {
    askOne(*pass.services, pass.now, family, its, leadsTo, packets, pass.worker.index);
  };
  // Of a transfer's packets, those are enough that are told of.
  if (const Conn* const control = wasTold ? ftpControlOf(family, conn) : nullptr; control != nullptr) {
    // No packet of its own is counted: IPVS takes it for one whose turn it is.
    if (const ServerView* const leadsTo = entries_.serverOf(pass.services, *control))
      ask(*control, *leadsTo, pass.services->syncTurns().settings().threshold);
    return askController(pass, family, *control, false);
  }
  const uint32_t controller = entries_.controllerOf(family, conn);
  if (controller == 0) return;
  const Conn& its = *entries_.table(family).named(controller);
  const ServerView* const leadsTo = entries_.serverOf(pass.services, its);
  if (leadsTo == nullptr || (its.flags.load(std::memory_order_relaxed) & kConnInvalid) != 0) return;
  SyncCell cell = cells_.load(family, controller);
  cell.packets = static_cast<uint16_t>(std::min(cell.packets + 1, int{UINT16_MAX}));
  cells_.store(family, controller, cell);
  ask(its, *leadsTo, cell.packets);
}

bool SyncTeller::askOne(const ServiceTable& services, Tick now, Family family, const Conn& conn,
                        const ServerView& server, uint32_t packets, size_t worker) {
  SyncEntry entry = entryOf(services, family, conn, server);
  entry.packets = packets;
  const SyncTurns& turns = services.syncTurns();
  const uint32_t reference = entries_.table(family).referenceOf(&conn);
  SyncCell cell;
  std::optional<SyncMemory> memory;
  if (goesByCountAlone(turns, entry)) {
    if (!isTurnOf(turns, entry)) return false;
  } else {
    cell = cells_.load(family, reference);
    memory = decideSync(turns.settings(), entry, memoryOf(cell, conn), now);
    if (!memory) return false;
  }
  SpscRing<Note>& ring = *rings_[worker];
  Note* const note = ring.slot();
  if (note == nullptr) {
    lost_.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  write(*note, services, family, conn, server, entry);
  ring.push();
  // The next note is some packets away, and its place is in nobody's cache.
  ring.prefetchSlot();
  if (memory) {
    remember(*memory, cell, family, reference);
  } else if ((conn.flags.load(std::memory_order_relaxed) & kConnTold) == 0) {
    entries_.table(family).named(reference)->flags.fetch_or(kConnTold, std::memory_order_relaxed);
  }
  return true;
}

void SyncTeller::write(Note& note, const ServiceTable& services, Family family, const Conn& conn,
                       const ServerView& server, const SyncEntry& entry) const {
  const ConnTable& conns = entries_.table(family);
  const FlowKey key = conns.keyOf(conn);
  note.setKey(key);
  note.setServer(server.address);
  note.version = syncVersionOf(services.tunables());
  note.state = entry.state;
  note.isControl = false;
  note.reference = 0;
  note.mark = server.mark;
  note.timeoutSeconds = entry.timeout / kTicksPerSecond;
  note.flags = syncFlagsOf(server.config.tunnel.method);
  const uint16_t virtualPort = key.virtualPort().host();
  note.serverPort = server.port != 0 ? server.port : virtualPort;
  if (!isActiveConn(conn)) note.flags |= kSyncInactive;
  if (entry.isTemplate) {
    note.flags |= kSyncTemplate;
    note.reference = conns.referenceOf(&conn);
    if (virtualPort == 0) note.serverPort = 0;
    return;
  }
  if (!isTranslated(conn)) return;
  const uint32_t name = conn.control.load(std::memory_order_relaxed);
  const Conn& reply = *conns.named(name);
  const FlowKey at = conns.keyOf(reply);
  const uint8_t marks = reply.state.load(std::memory_order_relaxed);
  note.flags = static_cast<uint32_t>(SyncMethod::masquerade) | (note.flags & kSyncInactive);
  note.setServer(at.client());
  note.serverPort = at.clientPort().host();
  note.reference = name;
  note.isControl = (marks & kReplyOfFtp) != 0;
  if ((marks & kReplyExpected) != 0) note.flags |= kSyncNoClientPort;
}

void SyncTeller::tellAgain(const ServiceTable& services, Family family, const Conn& conn, Tick now) {
  const ServerView* server = services.server(serverIdOf(conn));
  const auto& settings = services.syncTurns().settings();
  if (server == nullptr || server->traits->takesSource) return;
  if (syncVersionOf(services.tunables()) == SyncVersion::v0 && family == Family::ipv6) return;
  if ((conn.flags.load(std::memory_order_relaxed) & kConnInvalid) != 0) return;
  SyncEntry entry = entryOf(services, family, conn, *server);
  entry.packets = settings.threshold;
  const uint32_t reference = entries_.table(family).referenceOf(&conn);
  const SyncCell cell = cells_.load(family, reference);
  const auto memory = decideSync(settings, entry, memoryOf(cell, conn), now);
  if (!memory) return;
  {
    const std::scoped_lock guard(againMutex_);
    if (again_.size() >= kAgain) {
      lost_.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    write(again_.emplace_back(), services, family, conn, *server, entry);
  }
  remember(*memory, cell, family, reference);
}

std::optional<SyncTeller::Note> SyncTeller::noteOf(const ServiceTable& services, Family family, const Conn& conn,
                                                   Tick now) const {
  const ServerView* server = services.server(serverIdOf(conn));
  if (server == nullptr || server->traits->takesSource) return std::nullopt;
  if ((conn.flags.load(std::memory_order_relaxed) & kConnInvalid) != 0) return std::nullopt;
  const SyncEntry entry = entryOf(services, family, conn, *server);
  const Phase phase = phaseOf(entry.protocol, entry.state);
  if (!entry.isTemplate && (phase == Phase::begun || phase == Phase::opening)) return std::nullopt;
  std::optional<Note> note(std::in_place);
  write(*note, services, family, conn, *server, entry);
  // A transfer goes to a peer that knows version 1, whatever kernels are told.
  note->version = SyncVersion::v1;
  const Tick expires = conn.expires.load(std::memory_order_relaxed);
  if (reached(now, expires)) return std::nullopt;
  note->timeoutSeconds = std::max((expires - now) / kTicksPerSecond, Tick{1});
  return note;
}

bool SyncTeller::recordOf(const Note& note, SyncRecord& record, std::string& data) const {
  const FlowKey key = note.key();
  record = {};
  record.client = key.client();
  record.virtualAddress = key.virtualAddress();
  record.server = {.family = note.family};
  std::memcpy(record.server.bytes.data(), note.server, sizeof note.server);
  record.clientPort = key.clientPort().host();
  record.virtualPort = key.virtualPort().host();
  record.serverPort = note.serverPort;
  record.protocol = key.protocol();
  record.state = note.state;
  record.flags = note.flags;
  record.mark = note.mark;
  record.timeoutSeconds = note.timeoutSeconds;
  if (key.kind() == FlowKind::enginePersistence) {
    data = entries_.persistenceData().get(key.family, note.reference);
    if (data.empty() || data.size() > kMaxSyncEngineDataBytes || !isDataOf(data, key.clientPort())) return false;
    record.clientPort = 0;
    record.engineName = kSipEngine;
    record.engineData = data;
  }
  if (note.isControl) {
    entries_.ftp().sessions.with(key.family, note.reference, [&](FtpSessions::Control& control) {
      if (control.shift.isNone()) return;
      record.flags |= kSyncOutputSequence;
      record.sequences = SyncSequencePair{{}, sequenceOf(control.shift)};
    });
  }
  return true;
}

}  // namespace tunvs
