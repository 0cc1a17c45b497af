#include "director/icmp_path.h"

#include "core/icmp.h"
#include "core/icmp_translate.h"
#include "core/outer_quote.h"
#include "core/quote.h"
#include "director/answers.h"
#include "director/protocol_state.h"
#include "forward/tunnel_mtu.h"

namespace tunvs {
namespace {

// Smaller answers to "fragmentation needed" than this say nothing useful; IPVS leaves them as they are.
constexpr uint32_t kLeastReducibleMtu = 88;

bool isEchoRequest(const IcmpMessage& message) {
  return message.family == Family::ipv4 ? message.type == icmp4::kEchoRequest : message.type == icmp6::kEchoRequest;
}

// Whether the outer packet that an error quotes is one that this server gets.
bool isSentTo(const ServerView& server, const StrippedOuter& outer) {
  if (server.address != outer.server) return false;
  const TunnelOptions& tunnel = server.config.tunnel;
  switch (outer.kind) {
    case OuterKind::ipip: return tunnel.method == ForwardingMethod::ipip;
    case OuterKind::gue: return tunnel.method == ForwardingMethod::gue && tunnel.port == outer.port.host();
    case OuterKind::gre: return tunnel.method == ForwardingMethod::gre;
  }
  return false;
}

}  // namespace

struct IcmpPath::Context {
  WorkerContext& worker;
  const ServiceTable*& services;
  const ParsedPacket& parsed;
  Packet& packet;
  size_t cause;
  Tick now;
  OutputVector& out;
  const IcmpMessage& message;
  Explanation* asked;  // null: it is no question

  std::span<const uint8_t> bytes() const { return {packet.data, parsed.length}; }
};

Verdict IcmpPath::handle(WorkerContext& worker, const ServiceTable*& services, const ParsedPacket& parsed,
                         Packet& packet, size_t cause, Tick now, OutputVector& out, Explanation* asked) {
  const IpAddress destination = parsed.key.virtualAddress();
  const auto message =
      readIcmp(parsed.key.client(), destination, {packet.data + parsed.transport, parsed.length - parsed.transport});
  if (!message || !message->checksumIsRight) return Verdict::dropIcmp;
  Context c{worker, services, parsed, packet, cause, now, out, *message, asked};
  if (settings_.isOwnAddress(destination)) return message->isHandledError ? fromTunnel(c) : Verdict::dropIcmp;
  if (isEchoRequest(*message)) return echo(c);
  return message->isHandledError ? relay(c) : Verdict::dropIcmp;
}

Verdict IcmpPath::echo(Context& c) {
  const auto* address = c.services->virtualAddress(c.parsed.key.virtualAddress());
  if (address == nullptr) return Verdict::dropNoService;
  if (settings_.pingReply == PingReply::never) return Verdict::dropIcmp;
  if (settings_.pingReply == PingReply::whenUp && !address->isUp) return Verdict::dropIcmp;
  Answers answers(c.worker, c.out, c.cause, c.now);
  return answers.echo(c.bytes(), c.parsed) ? Verdict::answeredEcho : Verdict::dropIcmp;
}

const ServerView* IcmpPath::serverOf(Context& c, const FlowKey& key, uint64_t& hash) {
  const ConnTable& conns = connections_.table(key.family);
  hash = conns.hash(key);
  const Conn* conn = conns.find(key, hash);
  if (conn == nullptr || ConnTable::hasExpired(*conn, c.now)) return nullptr;
  const ServerView* server = connections_.serverOf(c.services, *conn);
  if (server == nullptr || !server->available) return nullptr;
  if (c.asked != nullptr) [[unlikely]] {
    c.asked->by = DecidedBy::connection;
    c.asked->server = server->key();
    c.asked->connectionState = stateName(key.protocol(), conn->state.load(std::memory_order_relaxed));
  }
  return server;
}

// A router between a real server and its client complains about a reply: the complaint goes to the real server, as it
// is.
Verdict IcmpPath::relay(Context& c) {
  const auto quote = readQuote(c.message.quoted);
  if (!quote || !quote->hasPorts) return Verdict::dropIcmp;
  uint64_t hash;
  const FlowKey flow = flowKeyOf(*quote, QuotedDirection::toClient);
  const ServerView* server = serverOf(c, flow, hash);
  // With ECMP in front of several directors the error may come to one that does not know the connection.
  if (server == nullptr && c.services->tunables().scheduleIcmp != 0)
    server = c.asked != nullptr ? connections_.previewQuoted(flow, c.worker.mark, c.now, *c.asked)
                                : connections_.openQuoted(c.worker, c.services, flow, hash, c.now);
  if (server == nullptr) return Verdict::dropIcmp;
  if (c.asked != nullptr) {
    c.asked->server = server->key();
    const Verdict foreseen =
        forwarder_.judge(*server, c.parsed, hash, /*isRelayed=*/true, c.now, c.services->tunables());
    return foreseen == Verdict::forwarded ? Verdict::relayedIcmp : foreseen;
  }
  const Outgoing packet{c.packet.data, c.parsed, hash, c.cause, /*isRelayed=*/true};
  const Verdict verdict = forwarder_.send(c.worker, *server, packet, c.now, c.services->tunables(), c.out);
  return verdict == Verdict::forwarded ? Verdict::relayedIcmp : verdict;
}

// Too little of the client's packet was quoted to know the client. GUE's port still names the real server whose path is
// narrow; of IPIP and GRE, IPVS does not believe so short a quote, and neither does this.
Verdict IcmpPath::fromShortQuote(Context& c, const StrippedOuter& outer) {
  if (!c.message.isTooBig || outer.kind != OuterKind::gue || !settings_.isOwnAddress(outer.source))
    return Verdict::dropIcmp;
  if (!c.worker.limits.recreated.take(c.now)) return Verdict::dropIcmp;  // what follows looks at every server
  for (const auto& service : c.services->services()) {
    for (const auto& server : service->owned) {
      if (isSentTo(*server, outer)) learn(c, *server);
    }
  }
  return Verdict::consumedIcmp;
}

void IcmpPath::learn(Context& c, const ServerView& server) {
  if (c.asked != nullptr) return;
  MtuReport report;
  report.family = server.address.family;
  report.bytes = c.message.mtu;
  if (server.pathMtu->learn(settings_.pathMtu, report, c.now) == MtuOutcome::lowered)
    c.worker.stats.pathMtuLowered.add(1);
}

// A router on the way to a real server complains about an outer packet: what its MTU says is noted, and the client is
// told about its own packet, as far as that was quoted.
Verdict IcmpPath::fromTunnel(Context& c) {
  const auto outer = stripOuter(c.message.quoted);
  if (!outer) return Verdict::dropIcmp;
  const auto quote = readQuote(outer->inner);
  if (!quote || !quote->hasPorts || quote->quotedBytes < quote->headerBytes + 8) return fromShortQuote(c, *outer);
  uint64_t hash;
  const ServerView* server = serverOf(c, flowKeyOf(*quote, QuotedDirection::toVirtual), hash);
  if (server == nullptr || !isSentTo(*server, *outer)) return Verdict::dropIcmp;

  uint32_t mtu = 0;
  if (c.message.isTooBig) {
    // As IPVS: the client is told what was known before this error; its next packet that is too long learns the rest.
    const uint32_t known = server->pathMtu->effective(settings_.pathMtu, c.now);
    // An error about a packet that is not from here may speak of another path.
    if (settings_.isOwnAddress(outer->source)) learn(c, *server);
    if (!quote->dontFragment) return Verdict::consumedIcmp;
    const uint32_t taken = overhead(server->config.tunnel, quote->family(), server->address.family);
    mtu = known > kLeastReducibleMtu ? known - taken : known;
  }
  const auto kind = translateIcmpError({c.message.type, c.message.code}, c.message.family, quote->family());
  if (!kind) return Verdict::consumedIcmp;
  Answers answers(c.worker, c.out, c.cause, c.now);
  const size_t bytes = answers.error(outer->inner.first(quote->quotedBytes), quote->family(), kind->type, kind->code,
                                     mtu, quote->destination, quote->source, c.worker.limits.recreated);
  if (bytes == 0) return Verdict::consumedIcmp;
  if (c.asked != nullptr) return Verdict::recreatedIcmp;
  ServerCounters& counters = pool_.counters(c.worker.index, server->id);
  counters.outPackets.add(1);
  counters.outBytes.add(bytes);
  return Verdict::recreatedIcmp;
}

}  // namespace tunvs
