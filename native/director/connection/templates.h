// Persistence: a client's new connections go where its last one went. What remembers it is a template, an entry of the
// connection table that carries no packets; each connection that it led counts on it.
//
// A template lives as long as the service's timeout after the last connection that it led, and no shorter than those
// connections; once its deadline has found connections, it goes on by a minute at a time. One whose server is gone is
// found no more: the client's next connection makes another.
//
// Thread safety: as Director; each function takes the lock that it needs, and holds none on return.
#pragma once

#include "director/connection/entries.h"
#include "director/connection/template_name.h"
#include "director/worker/pass.h"

namespace tunvs {

class Templates {
 public:
  // What a template said: the server, and the template on which the connection is to count.
  struct Affinity {
    const ServerView* server = nullptr;
    uint32_t controller = 0;  // ConnTable::referenceOf(); 0: none
  };

  explicit Templates(Entries& entries) : entries_(entries) {}

  // Where the template leads, and one more connection counted on it. No server: there is none that leads anywhere.
  Affinity follow(Pass& pass, const ServiceView& service, const TemplateName& name);
  // Makes a template that leads to `server`, unless somebody was faster: then follows that one. Without a controller
  // when others' templates are in the way. nullopt: the table is full.
  std::optional<Affinity> make(Pass& pass, const ServiceView& service, const TemplateName& name,
                               const ServerView& server);
  // Where follow() would lead, with nothing changed.
  const ServerView* preview(const ServiceTable*& services, const ServiceView& service, const TemplateName& name,
                            Tick now) const;

 private:
  Conn* findLocked(const FlowKey& key, uint64_t hash, const TemplateName& name) const;
  // Null: the template leads nowhere.
  const ServerView* targetOf(const ServiceTable*& services, const ServiceView& service, const Conn& found) const;
  Affinity followLocked(Pass& pass, const ServiceView& service, const FlowKey& key, uint64_t hash,
                        const TemplateName& name);

  Entries& entries_;
};

}  // namespace tunvs
