// Fragments: the first of a datagram decides where it goes; those before it wait, and those behind it follow.
//
// Thread safety: as Director::process.
#pragma once

#include "director/config/settings.h"
#include "director/connection/connections.h"
#include "director/delivery/forwarder.h"
#include "director/fragment/fragment_table.h"
#include "director/worker/pass.h"

namespace tunvs {

class FragmentPath {
 public:
  FragmentPath(const Settings& settings, FragmentTable& fragments, Connections& connections, const Pins& pins,
               Forwarder& forwarder)
      : settings_(settings), fragments_(fragments), connections_(connections), pins_(pins), forwarder_(forwarder) {}

  // Sends the fragments that waited for this one behind it, from memory that `lease` keeps.
  // REQUIRES: parsed.packetClass == PacketClass::fragment
  Verdict handle(Pass& pass, FragmentLease& lease, const ParsedPacket& parsed, Packet& packet, size_t cause);

 private:
  Verdict handleFirst(Pass& pass, FragmentLease& lease, const FragmentInfo& info, const ParsedPacket& parsed,
                      Packet& packet, size_t cause);
  void tellSender(Pass& pass, const FragmentInfo& info, FragmentDrop reason, const ParsedPacket& parsed,
                  const Packet& packet, size_t cause);
  // A decision for a pinned flow names the pin in place of the server.
  Verdict send(Pass& pass, const FragmentDecision& decision, const ParsedPacket& parsed, Packet packet, size_t cause);

  const Settings& settings_;
  FragmentTable& fragments_;
  Connections& connections_;
  const Pins& pins_;
  Forwarder& forwarder_;
};

}  // namespace tunvs
