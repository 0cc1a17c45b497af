// Connections whose real server is told the client's address within them (packet/client_address.h). They lie beside the
// connection table; a bit of the reply entry says that a connection is in here.
//
// A server believes what it is told, so nobody but the director may say it. What that rests on is the number that the
// server itself gives to the client's first byte, in the SYN-ACK: whatever SYNs a client sends, the server takes data
// from there on. Until then the client has nothing to say, and a second SYN-ACK that names another number does not get
// to the client, which then can't complete the handshake that it belongs to.
//
// Thread safety: any thread may call everything; connections are spread over several locks.
#pragma once

#include <array>
#include <unordered_map>

#include "core/spin_lock.h"
#include "director/connection/translated.h"
#include "forward/tunnel_options.h"
#include "ftp/sequence_shift.h"

namespace tunvs {

struct ToldConnection {
  ClientTold how = ClientTold::none;
  bool isAnswered = false;  // whether the server has sent a SYN-ACK
  uint32_t first = 0;       // then the number of the client's first byte
  SequenceShift shift;      // how far the client's numbers move, once a header is in front of that

  // The header is older than any number that is under way, so that all of them move alike.
  bool isSettled() const { return isAnswered && shift.newest.removed == 0 && !shift.isNone(); }
};

class ToldConnections {
 public:
  // These name a connection by its reply entry, as ConnTable::referenceOf() does.

  // Begins a connection anew. Call this, and forget(), under the lock of the connection's shard, while it is live.
  void begin(Family family, uint32_t reply, ClientTold how) {
    Part& part = partOf(reply);
    SpinGuard guard(part.lock);
    part.connections[nameAmongAll(family, reply)] = {.how = how};
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
