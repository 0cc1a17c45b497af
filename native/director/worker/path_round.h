// What a worker remembers of paths to real servers is remembered for a while: a round over all servers, in pieces,
// drops what is older.
//
// Thread safety: none; each worker has one.
#pragma once

#include "director/config/server_pool.h"
#include "director/config/service_table.h"

namespace tunvs {

class PathRound {
 public:
  void begin(Tick now) { began_ = now; }
  // If a round is due or under way, does a piece of it that is short enough not to delay packets.
  void goOn(const ServiceTable& services, ServerPool& pool, size_t worker, Tick now);

 private:
  uint32_t next_ = 0;  // id of the next server; 0: no round is under way
  Tick began_ = 0;
};

}  // namespace tunvs
