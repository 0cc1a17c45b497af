// Decides where a new connection goes: which service it belongs to, and which real server takes it, by persistence, the
// policy or the scheduler.
//
// Thread safety: as Director.
#pragma once

#include <span>

#include "director/config/service_view.h"
#include "director/connection/explanation.h"
#include "director/connection/templates.h"
#include "director/counters/verdict.h"
#include "director/worker/defence.h"
#include "director/worker/pass.h"
#include "packet/parse.h"

namespace tunvs {

class ServerChoice {
 public:
  ServerChoice(Entries& entries, const Defence& defence) : templates_(entries), defence_(defence) {}

  // Finds the service of a packet that may begin a connection, and where it goes. If `choice` has a template, it counts
  // on that from now on, whatever becomes of the connection. `isMoved`: it belongs to a connection whose server is
  // down, and so need not begin one.
  Verdict admit(Pass& pass, const ParsedPacket& parsed, const ServiceView*& service, Templates::Affinity& choice,
                PolicyTurn* turn, bool isMoved);
  // Chooses where a new connection of this service goes.
  Verdict choose(Pass& pass, const ServiceView& service, const FlowKey& flow, std::span<const uint8_t> payload,
                 Templates::Affinity& choice, PolicyTurn* turn);

  // Returns the server that a new connection would get, and notes what decides; null: none would take it.
  const ServerView* preview(const ServiceTable* services, const ServiceView& service, const FlowKey& flow,
                            std::span<const uint8_t> payload, Tick now, Explanation& said) const;

  // Returns what a persistence engine reads.
  static std::span<const uint8_t> payloadOf(const ParsedPacket& parsed) {
    return parsed.protocol == kUdpProtocol ? parsed.udpPayload() : std::span<const uint8_t>();
  }

 private:
  // Returns the verdict on a packet that no server of its service takes.
  static Verdict withoutServer(const ServiceView& service, const FlowKey& flow);

  Templates templates_;
  const Defence& defence_;
};

}  // namespace tunvs
