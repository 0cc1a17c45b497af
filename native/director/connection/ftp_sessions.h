// What the director remembers of FTP's control connections whose packets it rewrites: how far their sequence numbers
// have moved, where the server's lines begin, and which data connections they have announced. It lies beside the
// connection table, as hardly any connection needs it; a bit of the reply entry says that one does. Each has a note,
// which outlives the process where anything does.
//
// A control connection lives on while it has data connections, as in IPVS: a long transfer outlasts its silence.
//
// Thread safety: any thread may call everything.
#pragma once

#include <mutex>
#include <unordered_map>
#include <unordered_set>

#include "director/connection/connection_notes.h"
#include "director/connection/translated.h"
#include "ftp/line_starts.h"
#include "ftp/sequence_shift.h"

namespace tunvs {

class FtpSessions {
 public:
  explicit FtpSessions(ConnectionNotes& notes) : notes_(notes) {}

  // These name control connections and data connections by their reply entries, as ConnTable::referenceOf() does.

  // A control connection is in here from now on until it is forgotten. Call this, addData() and forget() under the lock
  // of the connection's shard, while it is live: so nothing is left in here of one that has ended meanwhile.
  void begin(Family family, uint32_t control);
  // What is known of what the server says.
  struct Control {
    SequenceShift shift;
    LineStarts lines;
  };
  // Calls `use(Control&)` if the control connection is in here.
  template <typename Use>
  void with(Family family, uint32_t control, Use&& use) {
    const std::scoped_lock guard(mutex_);
    const auto found = sessions_.find(nameAmongAll(family, control));
    if (found == sessions_.end()) return;
    use(found->second.control);
    if (found->second.note != 0) notes_.change(found->second.note, noteOf(family, control, found->second.control));
  }
  // The control connection, if it is in here, has announced a data connection, or that has another entry now.
  void addData(Family family, uint32_t control, uint32_t data);
  // Returns the control connection of a data connection; 0: it has none any more.
  uint32_t controlOf(Family family, uint32_t data) const;
  bool hasData(Family family, uint32_t control) const;
  // Call this when a connection has ended that is, or was, in here.
  void forget(Family family, uint32_t reply);
  // Takes a control connection, or a data connection of one that is in here, over of which another process has left
  // this. Returns false, and does nothing, when it holds nothing that could be one, or the connection is in here.
  bool restore(const ConnectionNotes::Note& note, uint32_t number);
  // Tells whether a connection of either kind is in here.
  bool knows(Family family, uint32_t reply) const;
  // Returns how many connections are in here, of both kinds.
  size_t count() const;

 private:
  struct Session {
    Control control;
    std::unordered_set<uint64_t> data;  // connections that are there
    uint32_t note = 0;                  // 0: none
  };
  struct Data {
    uint64_t control = 0;
    uint32_t note = 0;
  };
  static ConnectionNotes::Note noteOf(Family family, uint32_t reply, const Control& control);

  mutable std::mutex mutex_;
  std::unordered_map<uint64_t, Session> sessions_;
  std::unordered_map<uint64_t, Data> controls_;  // of data connections
  ConnectionNotes& notes_;
};

}  // namespace tunvs
