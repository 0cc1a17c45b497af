// The way of whole TCP, UDP and SCTP packets to their real servers: it finds the connection or opens one, notes its
// state and puts the outer header on.
//
// Thread safety: as Director::process.
#pragma once

#include "director/config/settings.h"
#include "director/connection/connections.h"
#include "director/delivery/forwarder.h"
#include "director/delivery/policy_path.h"
#include "director/delivery/reply_path.h"
#include "director/delivery/to_server_path.h"
#include "director/delivery/translated_path.h"
#include "director/worker/pass.h"

namespace tunvs {

class FlowPath {
 public:
  FlowPath(const Settings& settings, Entries& entries, const Pins& pins, Control& control, ServerPool& pool,
           const Defence& defence)
      : connections_(settings, entries, pins, control, pool, defence),
        forwarder_(settings, pool),
        settings_(settings),
        pins_(pins),
        ftp_(connections_, forwarder_),
        told_(connections_, forwarder_),
        toServer_(connections_, forwarder_, ftp_, told_),
        policies_(settings, connections_, forwarder_, toServer_),
        replies_(settings, connections_, forwarder_, ftp_, told_),
        translated_(connections_, forwarder_) {}

  Connections& connections() { return connections_; }
  const Connections& connections() const { return connections_; }
  Forwarder& forwarder() { return forwarder_; }
  PolicyPath& policies() { return policies_; }
  ReplyPath& replies() { return replies_; }
  const TranslatedPath& translated() const { return translated_; }

  // REQUIRES: flow.candidate is set
  Verdict handle(Pass& pass, const Flow& flow, Packet& packet, size_t cause) {
    if (ConnTable::isOf(flow.candidate, flow.parsed.key)) [[likely]] {
      const ServerView* server = Connections::noteUsual<Side::clientOnly>(pass, *flow.candidate, flow.parsed);
      if (server != nullptr) [[likely]]
        return forwarder_.send(pass, *server, {packet.data, flow.parsed, flow.hash, cause});
      return handleKnown(pass, flow, packet, cause);
    }
    return handleOther(pass, flow, packet, cause);
  }

 private:
  // Handles a packet whose entry is the candidate, and which may have to be rewritten.
  Verdict handleKnown(Pass& pass, const Flow& flow, Packet& packet, size_t cause);
  // Handles a packet of which more has to be known than that its connection goes on.
  Verdict handleOther(Pass& pass, const Flow& flow, Packet& packet, size_t cause);
  Connections connections_;  // first, as every packet needs it: so it has the address of this object
  Forwarder forwarder_;
  const Settings& settings_;
  const Pins& pins_;
  FtpPath ftp_;
  ToldPath told_;
  ToServerPath toServer_;
  PolicyPath policies_;
  ReplyPath replies_;
  TranslatedPath translated_;
};

}  // namespace tunvs
