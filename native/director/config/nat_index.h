// Finds the real server that a packet comes from, among those whose replies the director rewrites.
//
// Only a server with a port of its own can be told by its packets: one of every port begins connections of its own from
// any port.
//
// Thread safety: immutable once built.
#pragma once

#include <vector>

#include "director/config/service_view.h"

namespace tunvs {

class NatIndex {
 public:
  struct Endpoint {
    ServerKey server;
    uint8_t protocol;
    const ServiceView* service;  // null: it is removed
  };

  // `service` is null for a server that is removed but not forgotten.
  void add(const ServiceKey& key, const ServiceView* service, const ServerView& server);
  void sort();

  // Tells whether any server's replies are rewritten, or were before its last edit.
  bool isEmpty() const { return !hasAny_; }
  // Returns the server that sends from this address and port; null: none does. If several services have it, one of them
  // is taken: none of them is a one-packet service of this address and port, see one_packet_answers.h.
  const Endpoint* find(const IpAddress& address, Be16 port, uint8_t protocol) const;

 private:
  bool hasAny_ = false;
  std::vector<Endpoint> endpoints_;  // sorted
};

}  // namespace tunvs
