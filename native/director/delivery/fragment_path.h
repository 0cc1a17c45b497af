// Fragments: the first of a datagram decides where it goes; those before it wait, and those behind it follow.
//
// Thread safety: as Director::process.
#pragma once

#include "director/config/settings.h"
#include "director/connection/connections.h"
#include "director/delivery/forwarder.h"
#include "director/delivery/reply_path.h"
#include "director/fragment/fragment_table.h"
#include "director/worker/pass.h"

namespace tunvs {

// Where a datagram goes: FragmentDecision::way.
enum FragmentWay : uint8_t { kToServer, kToServerRewritten, kToClient, kPassedOn };

class FragmentPath {
 public:
  FragmentPath(const Settings& settings, FragmentTable& fragments, Connections& connections, const Pins& pins,
               Forwarder& forwarder, ReplyPath& replies)
      : settings_(settings),
        fragments_(fragments),
        connections_(connections),
        pins_(pins),
        forwarder_(forwarder),
        replies_(replies) {}

  // Sends the fragments that waited for this one behind it, from memory that `lease` keeps.
  // REQUIRES: parsed.packetClass == PacketClass::fragment
  Verdict handle(Pass& pass, FragmentLease& lease, const ParsedPacket& parsed, Packet& packet, size_t cause);

 private:
  Verdict handleFirst(Pass& pass, FragmentLease& lease, const FragmentInfo& info, const ParsedPacket& parsed,
                      Packet& packet, size_t cause);
  // Where a first fragment goes, and so its datagram.
  struct Course {
    Verdict verdict;
    FragmentDecision decision = {};
    const ServerView* server = nullptr;       // null: it goes to none
    std::optional<Endpoints> endpoints = {};  // what the first fragment's become, if they change
    bool isSent() const;
  };
  Course decide(Pass& pass, const ParsedPacket& parsed, const Outgoing& packet);
  void tellSender(Pass& pass, const FragmentInfo& info, FragmentDrop reason, const ParsedPacket& parsed,
                  const Packet& packet, size_t cause);
  // A decision for a pinned flow names the pin in place of the server. `first` is what the endpoints of a first
  // fragment become, if they change.
  Verdict send(Pass& pass, const FragmentDecision& decision, const ParsedPacket& parsed, Packet packet, size_t cause,
               const std::optional<Endpoints>& first = {});

  const Settings& settings_;
  FragmentTable& fragments_;
  Connections& connections_;
  const Pins& pins_;
  Forwarder& forwarder_;
  ReplyPath& replies_;
};

}  // namespace tunvs
