// The way of a client's packet once its connection and its server are known: as it is, or rewritten, and looked into
// where something else in it has to be changed.
//
// Thread safety: as Director::process.
#pragma once

#include "director/connection/connections.h"
#include "director/delivery/forwarder.h"
#include "director/delivery/ftp_path.h"
#include "director/delivery/told_path.h"
#include "director/worker/pass.h"

namespace tunvs {

class ToServerPath {
 public:
  ToServerPath(Connections& connections, Forwarder& forwarder, FtpPath& ftp, ToldPath& told)
      : connections_(connections), forwarder_(forwarder), ftp_(ftp), told_(told) {}

  // Sends a packet that was looked up last: pass.endpoints says what it becomes, if that changes.
  Verdict deliver(Pass& pass, const ServerView& server, const Outgoing& packet) {
    return pass.endpoints ? deliverRewritten(pass, server, packet) : forwarder_.send(pass, server, packet);
  }

 private:
  Verdict deliverRewritten(Pass& pass, const ServerView& server, const Outgoing& packet);

  Connections& connections_;
  Forwarder& forwarder_;
  FtpPath& ftp_;
  ToldPath& told_;
};

}  // namespace tunvs
