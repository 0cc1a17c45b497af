// The usual way of packets that are rewritten, from both sides: their connection goes on as it is, and so do they but
// for their endpoints. Nearly all of them go this way. It does what the ways of all others would do (FlowPath,
// ReplyPath), with one look-up and no lock.
//
// Thread safety: as Director::process.
#pragma once

#include <optional>

#include "director/connection/connections.h"
#include "director/delivery/forwarder.h"
#include "director/worker/pass.h"

namespace tunvs {

class TranslatedPath {
 public:
  TranslatedPath(const Connections& connections, Forwarder& forwarder)
      : connections_(connections), forwarder_(forwarder) {}

  // Fetches the other entries of translated connections, for those flows whose bits are set. Their candidates should be
  // in the cache by now.
  void fetchOthers(std::span<const Flow> flows, uint64_t mask) const;

  // Handles a packet if there is nothing unusual about it. Returns nothing if there is, or if it is not to be
  // rewritten; then nothing was noted. REQUIRES: the flow's candidate is its entry
  std::optional<Verdict> handle(Pass& pass, const Flow& flow, Packet& packet, size_t cause);

 private:
  static bool isLookedInto(const ParsedPacket& parsed, const Conn& reply);
  std::optional<Verdict> handleReply(Pass& pass, const Conn& reply, const Outgoing& packet);

  const Connections& connections_;
  Forwarder& forwarder_;
};

}  // namespace tunvs
