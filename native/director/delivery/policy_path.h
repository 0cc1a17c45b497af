// New connections whose service has a policy: they wait for its answer, and go on as it says.
//
// Thread safety: as Director::process.
#pragma once

#include <span>

#include "director/config/settings.h"
#include "director/connection/connections.h"
#include "director/delivery/forwarder.h"
#include "director/worker/pass.h"

namespace tunvs {

class PolicyPath {
 public:
  PolicyPath(const Settings& settings, Connections& connections, Forwarder& forwarder)
      : settings_(settings), connections_(connections), forwarder_(forwarder) {}

  // Has a packet wait, or goes by the scheduler where there is no room to. REQUIRES: Connections::serverFor() said
  // Verdict::parked
  Verdict park(Pass& pass, const Flow& flow, Packet& packet, size_t cause);

  // Opens connections as the answers say, and as their schedulers say where the deadline has come; what had waited goes
  // on.
  void resume(Pass& pass, std::span<const PolicyAnswer> answers);

 private:
  void conclude(Pass& pass, ParkedFlow& flow, const PolicyAnswer* answer);
  // `verdict`: whether there is a server to send it to.
  Verdict sendOn(Pass& pass, Verdict verdict, const ServerView* server, const ParsedPacket& parsed, Packet packet,
                 uint64_t hash, size_t cause);

  const Settings& settings_;
  Connections& connections_;
  Forwarder& forwarder_;
};

}  // namespace tunvs
