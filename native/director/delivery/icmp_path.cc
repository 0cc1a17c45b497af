#include "director/delivery/icmp_path.h"

#include <algorithm>
#include <cstring>

#include "director/delivery/answers.h"
#include "director/protocol/protocol_state.h"
#include "forward/outer_fragment.h"
#include "forward/tunnel_mtu.h"
#include "ftp/mend_quoted.h"
#include "packet/icmp.h"
#include "packet/icmp_translate.h"
#include "packet/outer_quote.h"
#include "packet/quote.h"
#include "packet/rewrite_icmp.h"

namespace tunvs {
namespace {

// A path MTU up to this is told to clients as it is, as IPVS does. Less the tunnel's header, it would say nothing
// useful.
constexpr uint32_t kLeastReducibleMtu = 88;

bool isEchoRequest(const IcmpMessage& message) {
  return message.family == Family::ipv4 ? message.type == icmp4::kEchoRequest : message.type == icmp6::kEchoRequest;
}

bool isRedirect(const IcmpMessage& message) {
  return message.family == Family::ipv4 ? message.type == icmp4::kRedirect : message.type == icmp6::kRedirect;
}

// Returns the length that a packet's IP header states, if enough of the header is there.
std::optional<uint32_t> ipLengthOf(std::span<const uint8_t> packet) {
  if (packet.size() >= 4 && packet[0] >> 4 == 4) return loadBe16(packet.data() + 2);
  if (packet.size() >= 6 && packet[0] >> 4 == 6) return loadBe16(packet.data() + 4) + kIpv6HeaderBytes;
  return std::nullopt;
}

// Tells whether the outer packet that an error quotes is of the form that this server gets.
bool isSentTo(const ServerView& server, const StrippedOuter& outer) {
  const auto hasForm = server.traits->hasForm;
  return server.address == outer.server && hasForm != nullptr && hasForm(server.config.tunnel, outer);
}

}  // namespace

struct IcmpPath::Context {
  Pass& pass;
  const ParsedPacket& parsed;
  Packet& packet;
  size_t cause;
  const IcmpMessage& message;
  Explanation* asked;                    // null: this is no question
  Pin* pin = nullptr;                    // of the flow that the message is about
  std::optional<Endpoints> endpoints{};  // what those of the quoted packet become, if they change
  // Whether the error may lower anything. One turn is enough for all the services of a server.
  std::optional<bool> mayLower{};

  std::span<const uint8_t> bytes() const { return {packet.data, parsed.length}; }
  std::span<uint8_t> icmp() const { return {packet.data + parsed.transport, parsed.length - parsed.transport}; }
};

Verdict IcmpPath::handle(Pass& pass, const ParsedPacket& parsed, Packet& packet, size_t cause, Explanation* asked) {
  const IpAddress destination = parsed.key.virtualAddress();
  const auto message =
      readIcmp(parsed.key.client(), destination, {packet.data + parsed.transport, parsed.length - parsed.transport});
  if (!message || !message->checksumIsRight) return Verdict::dropIcmp;
  Context c{pass, parsed, packet, cause, *message, asked};
  if (settings_.isOwnAddress(destination)) return message->isHandledError ? fromTunnel(c) : Verdict::dropIcmp;
  const bool isOfFullNat = settings_.natSources.contains(destination);
  if (isOfFullNat ? message->isError : replies_.isForeign(*pass.services, destination)) return handleForeign(c);
  if (isEchoRequest(*message)) return echo(c);
  return message->isHandledError ? relay(c) : Verdict::dropIcmp;
}

Verdict IcmpPath::echo(Context& c) {
  const IpAddress destination = c.parsed.key.virtualAddress();
  const auto* address = c.pass.services->virtualAddress(destination);
  if (address == nullptr && !settings_.natSources.contains(destination)) return Verdict::dropNoService;
  if (settings_.pingReply == PingReply::never) return Verdict::dropIcmp;
  if (settings_.pingReply == PingReply::whenUp && address != nullptr && !address->isUp) return Verdict::dropIcmp;
  Answers answers(c.pass, c.cause);
  return answers.echo(c.bytes(), c.parsed) ? Verdict::answeredEcho : Verdict::dropIcmp;
}

const ServerView* IcmpPath::serverOf(Context& c, const FlowKey& key, uint64_t& hash) {
  const ConnTable& conns = connections_.table(key.family);
  hash = conns.hash(key);
  const Conn* conn = conns.find(key, hash);
  if (conn == nullptr || isReplyEntry(*conn) || ConnTable::hasExpired(*conn, c.pass.now))
    return pinnedServer(c, key, hash);
  const ServerView* server = connections_.serverOf(c.pass.services, *conn);
  // What a removed server's client reports still helps the server to end. IPVS relays it only where it rewrites.
  const bool isRewritten = isTranslated(*conn);
  if (server == nullptr || (!server->carries && !isRewritten)) return nullptr;
  if (isRewritten) c.endpoints = connections_.translations().toServer(key.family, *conn);
  if (c.asked != nullptr) [[unlikely]] {
    c.asked->by = DecidedBy::connection;
    c.asked->server = server->key();
    c.asked->connectionState = stateName(key.protocol(), conn->state.load(std::memory_order_relaxed));
  }
  return server;
}

const ServerView* IcmpPath::pinnedServer(Context& c, const FlowKey& key, uint64_t hash) {
  const ServerView* server = nullptr;
  c.pin = connections_.pinOf(c.pass.services, key, hash, c.pass.now, server);
  if (c.pin != nullptr && c.asked != nullptr) {
    c.asked->by = DecidedBy::pin;
    c.asked->server = server->key();
  }
  return server;
}

// A router between a real server and its client complains about a reply. The complaint goes to the real server
// unchanged.
Verdict IcmpPath::relay(Context& c) {
  const auto quote = readQuote(c.message.quoted);
  if (!quote || !quote->hasPorts) return Verdict::dropIcmp;
  uint64_t hash;
  const FlowKey flow = flowKeyOf(*quote, QuotedDirection::toClient);
  if (!pins_.isEmpty()) [[unlikely]] {
    if (Pin* pin = pins_.findReply(flow, connections_.table(flow.family).hash(flow), c.pass.now)) {
      note(c, *pin, /*isOfTunnel=*/true);
      return Verdict::consumedIcmp;
    }
  }
  const ServerView* server = serverOf(c, flow, hash);
  // With ECMP in front of several directors, the error may come to one that does not know the connection.
  if (server == nullptr && c.pass.tunables().scheduleIcmp != 0)
    server = c.asked != nullptr ? connections_.previewQuoted(flow, c.pass.worker.mark, c.pass.now, *c.asked)
                                : openQuoted(c, flow, hash);
  if (server == nullptr) return Verdict::dropIcmp;
  if (c.asked != nullptr) return foresee(c, *server, hash);
  if (c.endpoints) {
    // The quoted packet went to the client, so its endpoints are those of the client's own packets exchanged.
    const Endpoints quoted{c.endpoints->destination, c.endpoints->source};
    if (!rewriteIcmpError({c.packet.data, c.parsed.length}, c.parsed, std::nullopt, quoted.source.address, quoted))
      return Verdict::dropIcmp;
    // FTP's server sent the quoted packet with another number than the client was to see.
    const ConnTable& conns = connections_.table(flow.family);
    const Conn* conn = conns.find(flow, hash);
    if (conn != nullptr && isTranslated(*conn)) {
      connections_.ftpSessions().with(
          flow.family, conn->control.load(std::memory_order_relaxed),
          [&](const FtpSessions::Control& control) { mendQuoted(c.icmp(), control.shift); });
    }
  }
  const Outgoing packet{c.packet.data, c.parsed, hash, c.cause, /*isRelayed=*/true, c.endpoints.has_value()};
  // The connection goes by the method that its server had when it began.
  const ServerView* suited = server->suitedTo(packet.isRewritten);
  if (suited == nullptr) return Verdict::dropServerGone;
  const Verdict verdict = c.pin != nullptr ? forwarder_.sendPinned(c.pass, *server, packet, *c.pin)
                                           : forwarder_.send(c.pass, *suited, packet);
  return verdict == Verdict::forwarded || verdict == Verdict::pinned ? Verdict::relayedIcmp : verdict;
}

Verdict IcmpPath::foresee(Context& c, const ServerView& server, uint64_t hash) {
  Explanation& asked = *c.asked;
  asked.server = server.key();
  if (asked.becomes) c.endpoints = asked.becomes;  // of the connection that would be opened
  const ServerView* suited = server.suitedTo(/*rewrites=*/c.endpoints.has_value());
  if (suited == nullptr) return Verdict::dropServerGone;
  if (c.endpoints) asked.becomes = Endpoints{{c.parsed.key.client(), {}}, {c.endpoints->destination.address, {}}};
  const Verdict foreseen = forwarder_.judge(*suited, c.parsed, hash, /*isRelayed=*/true, c.pass.now, c.pass.tunables());
  return foreseen == Verdict::forwarded ? Verdict::relayedIcmp : foreseen;
}

const ServerView* IcmpPath::openQuoted(Context& c, const FlowKey& flow, uint64_t hash) {
  c.pass.endpoints.reset();
  const ServerView* server = connections_.openQuoted(c.pass, flow, hash);
  if (server != nullptr) c.endpoints = c.pass.endpoints;
  return server;
}

Verdict IcmpPath::handleForeign(Context& c) {
  const auto quote = c.message.isError ? readQuote(c.message.quoted) : std::nullopt;
  if (quote && quote->hasPorts) {
    // The quoted packet went to the real server.
    const FlowKey key = flowKeyOf(*quote, QuotedDirection::toClient);
    const ConnTable& conns = connections_.table(key.family);
    const Conn* found = conns.find(key, conns.hash(key));
    if (Pin* pin = pins_.findReply(key, conns.hash(key), c.pass.now)) [[unlikely]] {
      note(c, *pin, /*isOfTunnel=*/true);
      return Verdict::consumedIcmp;
    }
    if (found != nullptr && isReplyEntry(*found)) {
      const Verdict verdict = relayToClient(c, *quote, *found);
      if (verdict != Verdict::passedOn) return verdict;
    }
    // A client is told nothing about a real server that it does not know.
    const bool isOfService = c.pass.services->nat().find(key.client(), key.clientPort(), key.protocol()) != nullptr;
    if (isOfService && settings_.unmatchedReplies == UnmatchedReplies::drop) return Verdict::dropUnmatchedReply;
  }
  if (settings_.takes(c.parsed.key.virtualAddress())) return Verdict::dropIcmp;
  if (c.asked != nullptr) return Verdict::passedOn;
  return Forwarder::passOn(c.pass, {c.packet.data, c.parsed, /*flowHash=*/0, c.cause});
}

// Returns Verdict::passedOn when there is no connection.
Verdict IcmpPath::relayToClient(Context& c, const Quote& quote, const Conn& reply) {
  const Family family = quote.family();
  const Conn* conn = connections_.connectionOf(family, reply);
  if (conn == nullptr || conn->hasExpired(c.pass.now)) return Verdict::passedOn;
  const ServerView* server = connections_.serverOf(c.pass.services, *conn);
  if (server == nullptr) return Verdict::passedOn;
  // A client can't use another gateway to an address that it does not know.
  if (isRedirect(c.message)) return Verdict::dropIcmp;
  const Endpoints answer = connections_.translations().toClient(family, *conn);
  if (c.asked != nullptr) {
    c.asked->by = DecidedBy::connection;
    c.asked->server = server->key();
    c.asked->connectionState = stateName(conn->protocol, conn->state.load(std::memory_order_relaxed));
    c.asked->becomes = Endpoints{{answer.source.address, {}}, {answer.destination.address, {}}};
    return Verdict::relayedIcmp;
  }
  const Endpoints quoted{answer.destination, answer.source};
  if (!rewriteIcmpError({c.packet.data, c.parsed.length}, c.parsed, answer.source.address, answer.destination.address,
                        quoted)) {
    return Verdict::dropIcmp;
  }
  if ((reply.state.load(std::memory_order_relaxed) & kReplyTold) != 0) {
    const ToldConnection told = connections_.told().of(family, connections_.table(family).referenceOf(&reply));
    mendQuoted(c.icmp(), told.shift());
  }
  forwarder_.sendReplyIcmp(c.pass, *server, {c.packet.data, c.parsed, /*flowHash=*/0, c.cause},
                           answer.destination.address);
  return Verdict::relayedIcmp;
}

// Too little of the client's packet was quoted to know the client: routers need to quote no more than 8 bytes behind
// the outer header (RFC 792). The outer destination still names the real server whose path is narrow. The client is
// told when it sends its next packet that is too long. IPVS believes so short a quote only for GUE.
Verdict IcmpPath::fromShortQuote(Context& c, const StrippedOuter& outer) {
  if (!settings_.isOwnAddress(outer.source) || (!c.message.isTooBig && pins_.count() == 0)) return Verdict::dropIcmp;
  if (!c.pass.worker.limits.lookUps.take(c.pass.now)) return Verdict::dropIcmp;
  bool isAboutPinned = false;
  pins_.forEach(c.pass.now, [&](Pin& pin) {
    const ServerView* server = c.pass.services->server(pin.server);
    if (server == nullptr || !isSentTo(*server, outer)) return;
    isAboutPinned = true;
    note(c, pin, /*isOfTunnel=*/true);
  });
  if (!c.message.isTooBig) return isAboutPinned ? Verdict::consumedIcmp : Verdict::dropIcmp;
  Heard heard = Heard::nothing;
  for (const auto& service : c.pass.services->services()) {
    for (const auto& server : service->owned) {
      if (isSentTo(*server, outer)) heard = std::max(heard, learn(c, *server, outer, nullptr));
    }
  }
  count(c, heard);
  return Verdict::consumedIcmp;
}

// Everything that can be checked is checked, for anybody who can send to the director's address can send such an error.
// An attacker can't know what was sent lately, and by whom: he has to guess a length.
bool IcmpPath::mayHaveSent(Context& c, const ServerView& server, const StrippedOuter& outer, const Quote* quote) {
  const auto isFrom = [&](const OuterHeader& header) {
    const bool isV4 = outer.source.isV4();
    return std::memcmp(header.bytes + (isV4 ? 12 : 8), outer.source.bytes.data(), isV4 ? 4 : 16) == 0;
  };
  if (std::ranges::none_of(server.outers, isFrom)) return false;

  // A router complains of a packet that is longer than its MTU, and nothing leaves here that is longer than the path's.
  const uint32_t front = server.outers[0].length;
  if (outer.isFirstFragment) return mayHaveCut(c, server, outer);
  const bool isPossible = outer.totalBytes > std::max<uint32_t>(c.message.mtu, front) &&
                          outer.totalBytes <= server.pathMtu->effective(settings_.pathMtu, c.pass.now);
  if (!isPossible) return false;
  if (const auto innerBytes = ipLengthOf(outer.inner); innerBytes && *innerBytes + front != outer.totalBytes)
    return false;

  // Routers cut packets that may be cut. IPVS believes an error about such a packet. Here one is believed only if the
  // client's own packet may be cut, too, and therefore the outer one: then nothing but DF tells it from any other.
  if (outer.source.isV4()) {
    const bool isWhole = quote == nullptr || (quote->family() == Family::ipv4 && quote->dontFragment);
    const bool wantsDf = isWhole && c.pass.tunables().pmtuDisc != 0;
    if (outer.isDontFragment != wantsDf) return false;
    if (!wantsDf && (quote == nullptr || quote->family() != Family::ipv4)) return false;
  }

  return outer.totalBytes - front <= longestTo(server);
}

// Tells whether the outer packet may be the first piece of a packet that the director itself has cut. It must be as
// long as the director makes such pieces, and the packet must be one that the director had to cut.
bool IcmpPath::mayHaveCut(Context& c, const ServerView& server, const StrippedOuter& outer) {
  const uint32_t pathMtu = server.pathMtu->effective(settings_.pathMtu, c.pass.now);
  const auto innerBytes = ipLengthOf(outer.inner);
  if (outer.source.isV4() || !innerBytes || outer.totalBytes <= c.message.mtu) return false;
  const bool wasCut = *innerBytes + server.outers[0].length > pathMtu && *innerBytes <= longestTo(server);
  return wasCut && outer.totalBytes == OuterFragmenter::firstBytes6(pathMtu);
}

uint32_t IcmpPath::longestTo(const ServerView& server) const {
  uint32_t longest = pool_.kernel().longest(server.id);
  for (size_t worker = 0; worker < pool_.workers(); worker++)
    longest = std::max(longest, pool_.counters(worker, server.id).longest.read());
  return longest;
}

IcmpPath::Heard IcmpPath::learn(Context& c, const ServerView& server, const StrippedOuter& outer, const Quote* quote) {
  if (c.asked != nullptr) return Heard::nothing;
  if (!mayHaveSent(c, server, outer, quote)) return Heard::disbelieved;
  MtuReport report;
  report.family = server.address.family;
  report.bytes = c.message.mtu;
  report.floor = settings_.pathMtuFloor;
  const auto mayLower = [&] {
    if (!c.mayLower) c.mayLower = lowerings_.take(c.pass.now);
    return *c.mayLower;
  };
  const MtuOutcome outcome = server.pathMtu->learn(settings_.pathMtu, report, c.pass.now, mayLower);
  if (outcome == MtuOutcome::ignoredTooOften) return Heard::disbelieved;
  if (outcome != MtuOutcome::lowered) return Heard::believed;
  // From now on nothing so long is sent. Whoever wants to repeat the error has to wait until there is reason for it.
  for (size_t worker = 0; worker < pool_.workers(); worker++) pool_.counters(worker, server.id).longest.clear();
  pool_.kernel().forgetLongest(server.id);
  return Heard::lowered;
}

void IcmpPath::count(Context& c, Heard heard) {
  if (heard == Heard::disbelieved) c.pass.worker.stats.pathMtuDisbelieved.add(1);
  if (heard == Heard::lowered) c.pass.worker.stats.pathMtuLowered.add(1);
}

Verdict IcmpPath::aboutPinned(Context& c) {
  const auto quote = readQuote(c.message.quoted);
  if (!quote || !quote->hasPorts) return Verdict::dropIcmp;
  const FlowKey flow = flowKeyOf(*quote, QuotedDirection::toVirtual);
  pinnedServer(c, flow, connections_.table(flow.family).hash(flow));
  if (c.pin == nullptr) return Verdict::dropIcmp;
  if (c.pin->mayHaveSent(*quote, c.message.quoted)) note(c, *c.pin, /*isOfTunnel=*/false);
  return Verdict::consumedIcmp;
}

void IcmpPath::note(Context& c, Pin& pin, bool isOfTunnel) {
  if (c.asked != nullptr) return;
  pin.note({.from = c.parsed.key.client(), .type = c.message.type, .code = c.message.code, .isOfTunnel = isOfTunnel});
}

// A router on the way to a real server complains about an outer packet. The MTU that it states is noted, and the client
// is told about its own packet, as far as that was quoted.
Verdict IcmpPath::fromTunnel(Context& c) {
  const auto outer = stripOuter(c.message.quoted);
  if (!outer) return aboutPinned(c);
  const auto quote = readQuote(outer->inner);
  if (!quote || !quote->hasPorts || quote->quotedBytes < quote->headerBytes + 8) return fromShortQuote(c, *outer);
  uint64_t hash;
  const ServerView* server = serverOf(c, flowKeyOf(*quote, QuotedDirection::toVirtual), hash);
  if (server == nullptr || !isSentTo(*server, *outer)) return Verdict::dropIcmp;
  if (c.pin != nullptr && c.pin->mayHaveSent(*quote, outer->inner)) note(c, *c.pin, /*isOfTunnel=*/true);

  // An error about a packet that is not from here may speak of another way.
  if (!c.message.isTooBig && c.asked == nullptr && settings_.isOwnAddress(outer->source))
    pool_.counters(c.pass.worker.index, server->id).tunnelErrors.add(1);

  uint32_t mtu = 0;
  if (c.message.isTooBig) {
    // As in IPVS, the client is told what was known before this error. It learns the rest from its next packet that is
    // too long.
    const uint32_t known = server->pathMtu->effective(settings_.pathMtu, c.pass.now);
    // An error about a packet that is not from here may speak of another path.
    if (settings_.isOwnAddress(outer->source)) count(c, learn(c, *server, *outer, &*quote));
    if (!quote->dontFragment) return Verdict::consumedIcmp;
    const uint32_t taken = overhead(server->config.tunnel, quote->family(), server->address.family);
    mtu = known > kLeastReducibleMtu ? known - taken : known;
    // IPv6 has no smaller MTU: a host takes no notice of one (RFC 8201 section 4), and the director cuts what is
    // longer.
    if (quote->family() == Family::ipv6) mtu = std::max(mtu, kMinTunnelMtuIpv6);
  }
  const auto kind = translateIcmpError({c.message.type, c.message.code}, c.message.family, quote->family());
  if (!kind) return Verdict::consumedIcmp;
  Answers answers(c.pass, c.cause);
  const size_t bytes = answers.error(outer->inner.first(quote->quotedBytes), quote->family(), kind->type, kind->code,
                                     mtu, quote->destination, quote->source, c.pass.worker.limits.recreated);
  if (bytes == 0) return Verdict::consumedIcmp;
  if (c.asked != nullptr || c.pin != nullptr) return Verdict::recreatedIcmp;
  ServerCounters& counters = pool_.counters(c.pass.worker.index, server->id);
  counters.outPackets.add(1);
  counters.outBytes.add(bytes);
  return Verdict::recreatedIcmp;
}

}  // namespace tunvs
