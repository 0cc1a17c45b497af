// A master's half within the director: it decides at a client's packets whether the backups are told of the connection,
// and of what controls it, and notes what they are to be told. Whoever sends takes the notes as records.
//
// Thread safety: each worker calls ask() with its own pass; one other thread calls take(). Any thread may
// call tellAgain(), within an epoch.
// Invariants:
//  1. A worker never waits: a note that finds no room in its ring is counted and lost, and what it would have told is
//     as if it had been told never.
//  2. A worker's notes are taken in the order in which it made them.
#pragma once

#include <atomic>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/spsc_ring.h"
#include "director/connection/entries.h"
#include "director/connection/sync_cells.h"
#include "director/worker/pass.h"
#include "sync/sync_record.h"

namespace tunvs {

class SyncTeller {
 public:
  // How many notes of a worker may wait. With a thread that takes them every few milliseconds, this is enough for some
  // million a second.
  static constexpr size_t kNotes = 8192;
  // How many times that entries live on by themselves may wait.
  static constexpr size_t kAgain = 4096;

  SyncTeller(Entries& entries, SyncCells& cells, size_t workers);

  // Call this behind a client's packet that was counted, without a lock. REQUIRES: `conn` is no reply entry
  void ask(Pass& pass, Family family, const Conn& conn, const ServerView& server);
  // Call this when an entry lives on at its deadline because something else needs it: it is told as at its turn.
  void tellAgain(const ServiceTable& services, Family family, const Conn& conn, Tick now);

  // Gives take(const SyncRecord&) what a peer needs that has not heard of this entry yet: it lives there for
  // as long as it has left here. It gives nothing of what is
  // told to nobody, and of handshakes.
  template <typename Take>
  void read(const ServiceTable& services, Family family, const Conn& conn, Tick now, Take&& take) const {
    const std::optional<Note> note = noteOf(services, family, conn, now);
    SyncRecord record;
    std::string data;
    if (note && recordOf(*note, record, data)) take(std::as_const(record));
  }

  // Tells whether a worker's notes should be taken soon.
  bool isHurried(size_t worker) const { return rings_[worker]->pending() >= kNotes / 2; }
  // Returns how many notes have found no room.
  uint64_t lost() const { return lost_.load(std::memory_order_relaxed); }
  // Calls take(const SyncRecord&, SyncVersion) for what has been noted, at most `limit` times. Returns how many were
  // taken.
  template <typename Take>
  size_t take(size_t limit, Take&& take);

 private:
  // What is noted of an IPv4 connection lies in one cache line. Nothing is set beforehand, as that costs as much as
  // what is written.
  struct alignas(64) Note {
    uint64_t tail;  // the key's; a template's client port is a part of what its engine has found
    uint32_t flags, mark, timeoutSeconds;
    uint32_t reference;  // of the template, or of the control connection's reply entry
    uint8_t server[16];  // its address, as in IpAddress
    uint16_t serverPort;
    uint8_t state;
    Family family;
    SyncVersion version;
    bool isControl;     // a control connection of FTP, whose shifts may belong to it
    uint64_t words[4];  // the key's; of IPv4 only the first

    FlowKey key() const;
    void setKey(const FlowKey& key);
    void setServer(const IpAddress& address) { std::memcpy(server, address.bytes.data(), sizeof server); }
  };

  // What is remembered of an entry. At its turn, a connection's cell lies in nobody's cache, and a store that waits for
  // memory holds up those behind it: so it only gets a mark then, as all else that is known of a turn follows from
  // that.
  SyncMemory memoryOf(const SyncCell& cell, const Conn& conn) const;
  void remember(const SyncMemory& memory, SyncCell cell, Family family, uint32_t reference);
  SyncEntry entryOf(const ServiceTable& services, Family family, const Conn& conn, const ServerView& server) const;
  // Asks about what controls an entry: its template, or for data of FTP the control connection, and behind that its
  // own.
  void askController(Pass& pass, Family family, const Conn& conn, bool wasTold);
  // Returns the control connection of a data connection of FTP; null: it is none, or its control connection has ended.
  const Conn* ftpControlOf(Family family, const Conn& conn) const;
  // Returns whether the entry was told.
  bool askOne(const ServiceTable& services, Tick now, Family family, const Conn& conn, const ServerView& server,
              uint32_t packets, size_t worker);
  void write(Note& note, const ServiceTable& services, Family family, const Conn& conn, const ServerView& server,
             const SyncEntry& entry) const;
  std::optional<Note> noteOf(const ServiceTable& services, Family family, const Conn& conn, Tick now) const;
  // Returns nothing when the entry that the note is about has become another's meanwhile.
  bool recordOf(const Note& note, SyncRecord& record, std::string& data) const;

  Entries& entries_;
  SyncCells& cells_;
  std::vector<std::unique_ptr<SpscRing<Note>>> rings_;
  std::atomic<uint64_t> lost_{0};
  std::mutex againMutex_;
  std::vector<Note> again_;
};

template <typename Take>
size_t SyncTeller::take(size_t limit, Take&& take) {
  size_t taken = 0;
  SyncRecord record;
  std::string data;
  const auto give = [&](const Note& note) {
    if (recordOf(note, record, data)) take(std::as_const(record), note.version);
    taken++;
  };
  for (auto& ring : rings_) {
    while (taken < limit) {
      const Note* note = ring->front();
      if (note == nullptr) break;
      give(*note);
      ring->pop();
    }
  }
  std::vector<Note> again;
  {
    const std::scoped_lock guard(againMutex_);
    again.swap(again_);
  }
  for (const Note& note : again) give(note);
  return taken;
}

}  // namespace tunvs
