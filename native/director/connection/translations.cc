#include "director/connection/translations.h"

#include <algorithm>

#include "core/split_mix.h"

namespace tunvs {

Be16 Translations::serverPort(const ServiceView& service, const ServerView& server, const FlowKey& flow) {
  // FTP's data connections keep the port that the server has named.
  return server.port == 0 || service.isFtpData(flow.virtualPort()) ? flow.virtualPort() : Be16::from(server.port);
}

uint32_t Translations::reserve(Pass& pass, const ServerView& server, const FlowKey& flow, const Endpoint& at,
                               uint32_t controller, Verdict& why, const ReplyOptions& options) {
  if (server.traits->takesSource) return reserveSource(pass, server, flow, at, controller, why, options);
  // A client port may have connections to one server by two services. Replies then belong to the newer one, as in IPVS.
  const FlowKey key = FlowKey::make(at.address, at.port, flow.client(), flow.clientPort(), flow.protocol());
  why = Verdict::dropTableFull;
  return entries_.makeReply(pass.worker.stats, key, controller, pass.now, /*mayHide=*/true, options.marks);
}

// The table itself says what is in use: there is no second list that could forget a pair. A server's pairs are taken
// in turn, so one that is free again is the last to be used again, and late segments of its last connection are gone
// by then (RFC 6056 section 3.2). Long connections that were opened one after another lie in a row, as do those that
// another service has to the same server, so the search jumps when it has met many. When it was in vain there is no
// other for a moment, so that nobody makes the director search all the time.
uint32_t Translations::reserveSource(Pass& pass, const ServerView& server, const FlowKey& flow, const Endpoint& at,
                                     uint32_t controller, Verdict& why, const ReplyOptions& options) {
  const NatSources& sources = settings_.natSources;
  const uint64_t capacity = options.source != nullptr ? sources.ports() : sources.capacity(flow.family);
  why = capacity == 0 ? Verdict::dropNoSource : Verdict::dropNoPort;
  ServerState& state = *server.state;
  if (capacity == 0 || state.noSourceAt.load(std::memory_order_relaxed) == pass.now) return 0;
  const ConnTable& conns = entries_.table(flow.family);
  SplitMix64 places(flow.words[0] ^ flow.tail ^ pass.now);
  const auto tries = static_cast<uint32_t>(std::min<uint64_t>(capacity, kTries));
  for (uint32_t i = 0; i < tries; i++) {
    // Where there are few, each is looked at once.
    const bool jumps = i >= kTriesInTurn && !looksAtAll(capacity);
    const uint64_t turn = jumps ? places.below(capacity) : state.nextSource.fetch_add(1, std::memory_order_relaxed);
    const Endpoint source =
        options.source != nullptr ? sources.with(*options.source, turn) : sources.at(flow.family, turn % capacity);
    const FlowKey key = FlowKey::make(at.address, at.port, source.address, source.port, flow.protocol());
    if (conns.find(key, conns.hash(key)) != nullptr) continue;
    const uint32_t reply =
        entries_.makeReply(pass.worker.stats, key, controller, pass.now, /*mayHide=*/false, options.marks);
    if (reply != 0) {
      if (jumps) state.nextSource.store(turn + 1, std::memory_order_relaxed);
      return reply;
    }
    // Another worker was faster, or the table is full.
    if (conns.find(key, conns.hash(key)) != nullptr) continue;
    why = Verdict::dropTableFull;
    return 0;
  }
  // Whoever asks for one of the addresses had fewer pairs to choose from.
  if (options.source == nullptr) state.noSourceAt.store(pass.now, std::memory_order_relaxed);
  return 0;
}

}  // namespace tunvs
