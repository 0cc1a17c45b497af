// Connections whose real server is told the client's address within them (told_connection.h). They lie beside the
// connection table; a bit of the reply entry says that a connection is in here. Each has a note, which outlives the
// process where anything does.
//
// Thread safety: any thread may call everything; connections are spread over several locks.
#pragma once

#include <array>
#include <unordered_map>

#include "core/spin_lock.h"
#include "director/connection/connection_notes.h"
#include "director/connection/told_connection.h"
#include "director/connection/translated.h"
#include "packet/client_address.h"

namespace tunvs {

class ToldConnections {
 public:
  explicit ToldConnections(ConnectionNotes& notes) : notes_(notes) {}

  // These name a connection by its reply entry, as ConnTable::referenceOf() does.

  // Begins a connection anew. Call this, and forget(), under the lock of the connection's shard, while it is live.
  void begin(Family family, uint32_t reply, ClientTold how) {
    Part& part = partOf(reply);
    SpinGuard guard(part.lock);
    Kept& kept = part.connections[nameAmongAll(family, reply)];
    kept.connection = ToldConnection(how);
    if (kept.note == 0) {
      kept.note = notes_.add(noteOf(family, reply, kept.connection));
    } else {
      notes_.change(kept.note, noteOf(family, reply, kept.connection));
    }
  }
  // Takes one over of which another process has left this. Returns false, and does nothing, when it holds nothing that
  // could be one, or the connection is in here.
  bool restore(const ConnectionNotes::Note& note, uint32_t number) {
    const auto connection = ToldConnection::of(note.words, proxyHeaderBytes(note.family));
    if (!connection) return false;
    Part& part = partOf(note.reply);
    SpinGuard guard(part.lock);
    return part.connections.try_emplace(nameAmongAll(note.family, note.reply), Kept{*connection, number}).second;
  }
  bool knows(Family family, uint32_t reply) const { return of(family, reply).how() != ClientTold::none; }
  // Returns one that is told nothing when the connection is not in here.
  ToldConnection of(Family family, uint32_t reply) const {
    const Part& part = partOf(reply);
    SpinGuard guard(part.lock);
    const auto found = part.connections.find(nameAmongAll(family, reply));
    return found == part.connections.end() ? ToldConnection{} : found->second.connection;
  }
  // Calls `change(ToldConnection&)` if the connection is in here.
  template <typename Change>
  void change(Family family, uint32_t reply, Change&& change) {
    Part& part = partOf(reply);
    SpinGuard guard(part.lock);
    const auto found = part.connections.find(nameAmongAll(family, reply));
    if (found == part.connections.end()) return;
    const Kept& kept = found->second;
    change(found->second.connection);
    if (kept.note != 0) [[unlikely]]
      notes_.change(kept.note, noteOf(family, reply, kept.connection));
  }
  void forget(Family family, uint32_t reply) {
    Part& part = partOf(reply);
    SpinGuard guard(part.lock);
    const auto found = part.connections.find(nameAmongAll(family, reply));
    if (found == part.connections.end()) return;
    notes_.erase(found->second.note);
    part.connections.erase(found);
  }

 private:
  static constexpr size_t kParts = 64;

  struct Kept {
    ToldConnection connection;
    uint32_t note = 0;  // 0: none
  };
  struct alignas(64) Part {
    mutable SpinLock lock;
    std::unordered_map<uint64_t, Kept> connections;
  };
  static ConnectionNotes::Note noteOf(Family family, uint32_t reply, const ToldConnection& told) {
    return {ConnectionNotes::Kind::told, family, reply, told.words()};
  }
  Part& partOf(uint32_t reply) { return parts_[reply * 0x9e3779b1u >> 26]; }
  const Part& partOf(uint32_t reply) const { return parts_[reply * 0x9e3779b1u >> 26]; }

  ConnectionNotes& notes_;
  std::array<Part, kParts> parts_;
};

}  // namespace tunvs
