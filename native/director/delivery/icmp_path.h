// ICMP and ICMPv6 that reach the director: echo requests for a virtual address, errors from the clients' side about
// replies, errors from the tunnels' side about our own outer packets.
//
// Thread safety: as Director::process.
#pragma once

#include "core/rate_limit.h"
#include "director/connection/connections.h"
#include "director/delivery/forwarder.h"
#include "director/worker/pass.h"
#include "packet/outer_quote.h"
#include "packet/quote.h"

namespace tunvs {

class IcmpPath {
 public:
  IcmpPath(const Settings& settings, Connections& connections, Forwarder& forwarder, ServerPool& pool)
      : settings_(settings), connections_(connections), forwarder_(forwarder), pool_(pool) {}

  // With `asked`, only `worker` and `out` are changed, and `asked` gets the server that the message is about.
  // REQUIRES: parsed.packetClass == PacketClass::icmp
  Verdict handle(Pass& pass, const ParsedPacket& parsed, Packet& packet, size_t cause, Explanation* asked = nullptr);

 private:
  struct Context;
  Verdict echo(Context& c);
  Verdict relay(Context& c);
  Verdict fromTunnel(Context& c);
  Verdict fromShortQuote(Context& c, const StrippedOuter& outer);
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
  // Returns the server of the live connection that a key names. Null: there is no connection, or its server is gone.
  const ServerView* serverOf(Context& c, const FlowKey& key, uint64_t& hash);

  const Settings& settings_;
  Connections& connections_;
  Forwarder& forwarder_;
  ServerPool& pool_;
  // Limits the sum over all servers: a narrow link in front of many is found at this rate.
  SharedRateLimit<kTicksPerSecond / 125, 250> lowerings_;
};

}  // namespace tunvs
