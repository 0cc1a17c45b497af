// What the director remembers of FTP's control connections whose packets it rewrites: how far their sequence numbers
// have moved, where the server's lines begin, and which data connections they have announced. It lies beside the
// connection table, as hardly any connection needs it; a bit of the reply entry says that one does.
//
// A control connection lives on while it has data connections, as in IPVS: a long transfer outlasts its silence.
//
// Thread safety: any thread may call everything.
#pragma once

#include <mutex>
#include <unordered_map>
#include <unordered_set>

#include "director/connection/translated.h"
#include "ftp/line_starts.h"
#include "ftp/sequence_shift.h"

namespace tunvs {

class FtpSessions {
 public:
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
    if (const auto found = sessions_.find(nameAmongAll(family, control)); found != sessions_.end())
      use(found->second.control);
  }
  // The control connection, if it is in here, has announced a data connection, or that has another entry now.
  void addData(Family family, uint32_t control, uint32_t data);
  // Returns the control connection of a data connection; 0: it has none any more.
  uint32_t controlOf(Family family, uint32_t data) const;
  bool hasData(Family family, uint32_t control) const;
  // Call this when a connection has ended that is, or was, in here.
  void forget(Family family, uint32_t reply);
  // Returns how many connections are in here, of both kinds.
  size_t count() const;

 private:
  struct Session {
    Control control;
    std::unordered_set<uint64_t> data;  // connections that are there
  };

  mutable std::mutex mutex_;
  std::unordered_map<uint64_t, Session> sessions_;
  std::unordered_map<uint64_t, uint64_t> controls_;  // of data connections
};

}  // namespace tunvs
