// New connections whose service has a policy: they wait for its answer, and go on as it says.
//
// Thread safety: as Director::process.
#pragma once

#include <span>

#include "director/config/settings.h"
#include "director/connection/connections.h"
#include "director/delivery/to_server_path.h"
#include "director/worker/pass.h"

namespace tunvs {

class PolicyPath {
 public:
  PolicyPath(const Settings& settings, Connections& connections, Forwarder& forwarder, ToServerPath& toServer)
      : settings_(settings), connections_(connections), forwarder_(forwarder), toServer_(toServer) {}

  // Makes a packet wait, or leaves it to the scheduler if there is no room to wait.
  // REQUIRES: Connections::serverFor() said Verdict::parked
  Verdict park(Pass& pass, const Flow& flow, Packet& packet, size_t cause);

  // Opens connections as the answers say, or as their schedulers say at the deadline, and sends on the packets that
  // waited.
  void resume(Pass& pass, std::span<const PolicyAnswer> answers);

 private:
  void conclude(Pass& pass, ParkedFlow& flow, const PolicyAnswer* answer);
  // `verdict` tells whether there is a server to send it to.
  Verdict sendOn(Pass& pass, Verdict verdict, const ServerView* server, const ParsedPacket& parsed, Packet packet,
                 uint64_t hash, size_t cause);

  const Settings& settings_;
  Connections& connections_;
  Forwarder& forwarder_;
  ToServerPath& toServer_;
};

}  // namespace tunvs
