// Persistence: a client's new connections go where its last one went. What remembers it is a template, an entry of the
// connection table that carries no packets; each connection that it led counts on it.
//
// A template lives as long as the service's timeout after the last connection that it led, and no shorter than those
// connections; once its deadline has found connections, it goes on by a minute at a time. One whose server is gone is
// found no more: the client's next connection makes another.
//
// Thread safety: as Director; each function takes the lock that it needs, and holds none on return.
#pragma once

#include "director/entries.h"

namespace tunvs {

class Templates {
 public:
  // What a template said: the server, and the template on which the connection is to count.
  struct Affinity {
    const ServerView* server = nullptr;
    uint32_t controller = 0;  // ConnTable::referenceOf(); 0: none
  };

  explicit Templates(Entries& entries) : entries_(entries) {}

  // What a client of a persistent service is remembered by.
  static FlowKey keyOf(const ServiceView& service, const FlowKey& flow);

  // Where the template leads, and one more connection counted on it. No server: there is none that leads anywhere.
  Affinity follow(WorkerStats& stats, const ServiceTable*& services, const ServiceView& service, const FlowKey& key,
                  Tick now);
  // Makes a template that leads to `server`, unless somebody was faster: then follows that one. No server: the table is
  // full.
  Affinity make(WorkerStats& stats, const ServiceTable*& services, const ServiceView& service, const FlowKey& key,
                const ServerView& server, Tick now);
  // Where follow() would lead, with nothing changed.
  const ServerView* preview(const ServiceTable*& services, const ServiceView& service, const FlowKey& key,
                            Tick now) const;

 private:
  // Null: the template leads nowhere.
  const ServerView* targetOf(const ServiceTable*& services, const ServiceView& service, const Conn& found) const;
  Affinity followLocked(WorkerStats& stats, const ServiceTable*& services, const ServiceView& service,
                        const FlowKey& key, uint64_t hash, Tick now);

  Entries& entries_;
};

}  // namespace tunvs
