// ICMP and ICMPv6 that reach the director: echo requests for a virtual address, errors from the clients' side about
// replies, errors from the tunnels' side about our own outer packets.
//
// Thread safety: as Director::process.
#pragma once

#include "core/rate_limit.h"
#include "director/connection/connections.h"
#include "director/delivery/forwarder.h"
#include "director/delivery/reply_path.h"
#include "director/worker/pass.h"
#include "packet/outer_quote.h"
#include "packet/quote.h"

namespace tunvs {

class IcmpPath {
 public:
  IcmpPath(const Settings& settings, Connections& connections, const Pins& pins, Forwarder& forwarder,
           ReplyPath& replies, ServerPool& pool)
      : settings_(settings),
        connections_(connections),
        pins_(pins),
        forwarder_(forwarder),
        replies_(replies),
        pool_(pool) {}

  // With `asked`, only `worker` and `out` are changed, and `asked` gets the server that the message is about.
  // REQUIRES: parsed.packetClass == PacketClass::icmp
  Verdict handle(Pass& pass, const ParsedPacket& parsed, Packet& packet, size_t cause, Explanation* asked = nullptr);

 private:
  struct Context;
  Verdict echo(Context& c);
  Verdict relay(Context& c);
  // Handles what is for no virtual address: an error from real servers' side about a client's packet that was
  // rewritten, or something that is none of the director's business.
  Verdict handleForeign(Context& c);
  Verdict relayToClient(Context& c, const Quote& quote, const Conn& reply);
  Verdict fromTunnel(Context& c);
  Verdict fromShortQuote(Context& c, const StrippedOuter& outer);
  // Handles an error about a packet that went without a tunnel: the host has told the check's own socket.
  Verdict aboutPinned(Context& c);
  static void note(Context& c, Pin& pin, bool isOfTunnel);
  // Does what serverOf() does, for a flow without a connection.
  const ServerView* pinnedServer(Context& c, const FlowKey& key, uint64_t hash);
  // Tells whether the server may have been sent the packet that the error quotes. `quote` is the inner packet, if its
  // connection is known.
  bool mayHaveSent(Context& c, const ServerView& server, const StrippedOuter& outer, const Quote* quote);
  bool mayHaveCut(Context& c, const ServerView& server, const StrippedOuter& outer);
  // Returns the length of the longest packet that went to it lately, in inner bytes.
  uint32_t longestTo(const ServerView& server) const;
  // What an error did. If it concerns several servers, the greatest of these values counts.
  enum class Heard : uint8_t { nothing, disbelieved, believed, lowered };
  Heard learn(Context& c, const ServerView& server, const StrippedOuter& outer, const Quote* quote);
  static void count(Context& c, Heard heard);
  // Says what relay() does with what a client's side reports to this server.
  Verdict foresee(Context& c, const ServerView& server, uint64_t hash);
  const ServerView* openQuoted(Context& c, const FlowKey& flow, uint64_t hash);
  // Returns the server of the live connection that a key names, or of the pin, which c.pin is then. Null: there is
  // neither, or the connection's server is gone.
  const ServerView* serverOf(Context& c, const FlowKey& key, uint64_t& hash);

  const Settings& settings_;
  Connections& connections_;
  const Pins& pins_;
  Forwarder& forwarder_;
  ReplyPath& replies_;
  ServerPool& pool_;
  // Limits the sum over all servers: a narrow link in front of many is found at this rate.
  SharedRateLimit<kTicksPerSecond / 125, 250> lowerings_;
};

}  // namespace tunvs
