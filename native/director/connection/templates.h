// Persistence: a client's new connections go where its last one went. A template remembers that: an entry of the
// connection table that carries no packets. Each connection that it led counts on it.
//
// A template lives for the service's timeout after the last connection that it led, and no shorter than those
// connections; once its deadline has found connections, it lives on by a minute at a time. A template whose server is
// gone, down by health or out of the list when the client's next connection comes is no longer found, even when the
// server is up again: that connection makes another.
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

  // Returns where the template leads, and counts one more connection on it. No server: no template leads anywhere.
  Affinity follow(Pass& pass, const ServiceView& service, const TemplateName& name);
  // Makes a template that leads to `server`. If another worker was faster, follows that worker's template. The result
  // has no controller when others' templates are in the way. nullopt: the table is full.
  std::optional<Affinity> make(Pass& pass, const ServiceView& service, const TemplateName& name,
                               const ServerView& server);
  // Returns where follow() would lead, and changes nothing.
  const ServerView* preview(const ServiceTable*& services, const ServiceView& service, const TemplateName& name,
                            Tick now) const;

 private:
  Conn* findLocked(const FlowKey& key, uint64_t hash, const TemplateName& name) const;
  // Returns null when the template leads nowhere.
  const ServerView* targetOf(const ServiceTable*& services, const ServiceView& service, const Conn& found) const;
  Affinity followLocked(Pass& pass, const ServiceView& service, const FlowKey& key, uint64_t hash,
                        const TemplateName& name);

  Entries& entries_;
};

}  // namespace tunvs
