// Connections whose real server is told the client's address within them (told_connection.h). They lie beside the
// connection table; a bit of the reply entry says that a connection is in here.
//
// Thread safety: any thread may call everything; connections are spread over several locks.
#pragma once

#include <array>
#include <unordered_map>

#include "core/spin_lock.h"
#include "director/connection/told_connection.h"
#include "director/connection/translated.h"

namespace tunvs {

class ToldConnections {
 public:
  // These name a connection by its reply entry, as ConnTable::referenceOf() does.

  // Begins a connection anew. Call this, and forget(), under the lock of the connection's shard, while it is live.
  void begin(Family family, uint32_t reply, ClientTold how) {
    Part& part = partOf(reply);
    SpinGuard guard(part.lock);
    part.connections[nameAmongAll(family, reply)] = ToldConnection(how);
  }
  // Returns one that is told nothing when the connection is not in here.
  ToldConnection of(Family family, uint32_t reply) const {
    const Part& part = partOf(reply);
    SpinGuard guard(part.lock);
    const auto found = part.connections.find(nameAmongAll(family, reply));
    return found == part.connections.end() ? ToldConnection{} : found->second;
  }
  // Calls `change(ToldConnection&)` if the connection is in here.
  template <typename Change>
  void change(Family family, uint32_t reply, Change&& change) {
    Part& part = partOf(reply);
    SpinGuard guard(part.lock);
    const auto found = part.connections.find(nameAmongAll(family, reply));
    if (found != part.connections.end()) change(found->second);
  }
  void forget(Family family, uint32_t reply) {
    Part& part = partOf(reply);
    SpinGuard guard(part.lock);
    part.connections.erase(nameAmongAll(family, reply));
  }

 private:
  static constexpr size_t kParts = 64;

  struct alignas(64) Part {
    mutable SpinLock lock;
    std::unordered_map<uint64_t, ToldConnection> connections;
  };
  Part& partOf(uint32_t reply) { return parts_[reply * 0x9e3779b1u >> 26]; }
  const Part& partOf(uint32_t reply) const { return parts_[reply * 0x9e3779b1u >> 26]; }

  std::array<Part, kParts> parts_;
};

}  // namespace tunvs
