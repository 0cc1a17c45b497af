// The way of real servers' packets to clients, through a director that rewrites them (NAT). What comes with them and is
// none of the director's business goes on as it is.
//
// Thread safety: as Director::process.
#pragma once

#include <optional>

#include "director/config/settings.h"
#include "director/connection/connections.h"
#include "director/delivery/forwarder.h"
#include "director/delivery/ftp_path.h"
#include "director/delivery/told_path.h"
#include "director/worker/pass.h"

namespace tunvs {

class ReplyPath {
 public:
  ReplyPath(const Settings& settings, Connections& connections, Forwarder& forwarder, FtpPath& ftp, ToldPath& told)
      : settings_(settings), connections_(connections), forwarder_(forwarder), ftp_(ftp), told_(told) {}

  // Handles a packet whose key has a reply entry in the table.
  Verdict handle(Pass& pass, const Conn& reply, const Outgoing& packet);
  // Finds the connection that a reply entry leads to, notes the packet, and says what the packet becomes.
  struct Found {
    const Conn* conn = nullptr;  // null: there is none
    const ServerView* server = nullptr;
    Endpoints to = {};
  };
  Found note(Pass& pass, const Conn& reply, const ParsedPacket& parsed);
  // Handles a packet that has no connection and no service. Returns nothing when it is for a virtual address, or
  // nothing is rewritten here at all: then it is none of a real server's.
  std::optional<Verdict> handleUnmatched(Pass& pass, const Outgoing& packet);
  // Does the same for a packet that is no real server's reply.
  std::optional<Verdict> handleForeign(Pass& pass, const Outgoing& packet);
  struct Fate {
    Verdict verdict = Verdict::dropUnmatchedReply;
    const ServerView* server = nullptr;  // whose reply it is, when the verdict is `returned`
    Endpoints to = {};                   // what it becomes then
  };
  // Says what handleUnmatched() makes of a packet.
  std::optional<Fate> foresee(const ServiceTable& services, const ParsedPacket& parsed) const;
  // Drops what a real server's service sends to a client without a connection, and answers it if that is wanted.
  Verdict refuse(Pass& pass, const Outgoing& packet);
  // Tells whether a packet is for neither a virtual address nor the director, and came with replies of real servers.
  bool isForeign(const ServiceTable& services, const IpAddress& destination) const {
    return !services.nat().isEmpty() && services.virtualAddress(destination) == nullptr &&
           !settings_.takes(destination);
  }

 private:
  const Settings& settings_;
  Connections& connections_;
  Forwarder& forwarder_;
  FtpPath& ftp_;
  ToldPath& told_;
};

}  // namespace tunvs
