// What a worker remembers of paths to real servers is remembered for a while: a round over all servers, in pieces, lets
// go of what is older.
//
// Thread safety: none; one per worker.
#pragma once

#include "director/config/server_pool.h"
#include "director/config/service_table.h"

namespace tunvs {

class PathRound {
 public:
  void begin(Tick now) { began_ = now; }
  // Goes on for a piece that packets need not wait for, when a round is due or on its way.
  void goOn(const ServiceTable& services, ServerPool& pool, size_t worker, Tick now);

 private:
  uint32_t next_ = 0;  // id of the next server; 0: no round is on its way
  Tick began_ = 0;
};

}  // namespace tunvs
