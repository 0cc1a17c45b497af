// The way of whole TCP, UDP and SCTP packets to their real servers: it finds the connection or opens one, notes its
// state and puts the outer header on.
//
// Thread safety: as Director::process.
#pragma once

#include "director/config/settings.h"
#include "director/connection/connections.h"
#include "director/delivery/forwarder.h"
#include "director/delivery/policy_path.h"
#include "director/worker/pass.h"

namespace tunvs {

class FlowPath {
 public:
  FlowPath(const Settings& settings, Entries& entries, const Pins& pins, Control& control, ServerPool& pool,
           const Defence& defence)
      : connections_(entries, pins, control, pool, defence),
        forwarder_(settings, pool),
        settings_(settings),
        policies_(settings, connections_, forwarder_) {}

  Connections& connections() { return connections_; }
  const Connections& connections() const { return connections_; }
  Forwarder& forwarder() { return forwarder_; }
  PolicyPath& policies() { return policies_; }

  // REQUIRES: flow.candidate is set
  Verdict handle(Pass& pass, const Flow& flow, Packet& packet, size_t cause);

 private:
  // `server` is a pinned packet's.
  Verdict handleOther(Pass& pass, Verdict verdict, const ServerView* server, const Flow& flow, Packet& packet,
                      size_t cause);

  Connections connections_;  // first, as every packet needs it: so it has the address of this object
  Forwarder forwarder_;
  const Settings& settings_;
  PolicyPath policies_;
};

}  // namespace tunvs
