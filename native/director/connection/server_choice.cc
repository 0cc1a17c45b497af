#include "director/connection/server_choice.h"

#include "director/connection/first_packet.h"

namespace tunvs {

Verdict ServerChoice::admit(Pass& pass, const ParsedPacket& parsed, const ServiceView*& service,
                            Templates::Affinity& choice, PolicyTurn* turn, bool isMoved) {
  service = pass.services->find(parsed.key, pass.worker.mark);
  if (service == nullptr) return Verdict::dropNoService;
  if (!isMoved && !maySchedule(parsed, service->config, pass.tunables())) return Verdict::dropNotScheduled;
  const bool isFirstLook = turn == nullptr || turn->kind == PolicyTurn::Kind::ask;
  if (isFirstLook && pass.worker.dropPacket.picks(defence_.dropRate(pass.tunables()))) return Verdict::dropDefence;
  // A mid-stream packet goes where its hash says, as it would on every director.
  if (!isMoved && isMidStream(parsed, service->config)) turn = nullptr;
  return choose(pass, *service, parsed.key, payloadOf(parsed), choice, turn);
}

// FTP's data connections follow the control connection, and only persistence knows where that went.
Verdict ServerChoice::withoutServer(const ServiceView& service, const FlowKey& flow) {
  return service.isFtpData(flow.virtualPort()) ? Verdict::dropNotScheduled : Verdict::dropNoServer;
}

Verdict ServerChoice::choose(Pass& pass, const ServiceView& service, const FlowKey& flow,
                             std::span<const uint8_t> payload, Templates::Affinity& choice, PolicyTurn* turn) {
  const bool isPersistent = service.config.isPersistent();
  if (!isPersistent && !service.takes(flow.virtualPort())) return withoutServer(service, flow);
  std::optional<TemplateName> name;
  if (isPersistent) {
    name = templateName(service, flow, payload);
    if (!name) return Verdict::dropNoCallId;
    choice = templates_.follow(pass, service, *name);
    if (choice.server != nullptr) return Verdict::forwarded;
  }
  if (turn != nullptr && service.policy.mustBeAsked(*turn)) return Verdict::parked;
  choice.server = service.schedule(flow, pass.now, pass.tunables(), turn);
  if (choice.server == nullptr) return withoutServer(service, flow);
  if (!isPersistent) return Verdict::forwarded;
  const auto made = templates_.make(pass, service, *name, *choice.server);
  if (!made) return Verdict::dropTableFull;
  choice = *made;
  return Verdict::forwarded;
}

const ServerView* ServerChoice::preview(const ServiceTable* services, const ServiceView& service, const FlowKey& flow,
                                        std::span<const uint8_t> payload, Tick now, Explanation& said) const {
  const ServerView* server = nullptr;
  said.by = DecidedBy::scheduler;
  if (service.config.isPersistent()) {
    const auto name = templateName(service, flow, payload);
    if (!name) {
      said.by = DecidedBy::nothing;
      said.verdict = Verdict::dropNoCallId;
      return nullptr;
    }
    server = templates_.preview(services, service, *name, now);
    if (server != nullptr) said.by = DecidedBy::persistence;
  }
  if (server == nullptr && (service.takes(flow.virtualPort()) || service.config.isPersistent())) {
    server = service.fromTable(flow);
    if (server != nullptr) said.by = DecidedBy::table;
    if (server == nullptr) server = service.preview(flow, now, services->tunables());
  }
  if (server == nullptr) said.verdict = withoutServer(service, flow);
  return server;
}

}  // namespace tunvs
