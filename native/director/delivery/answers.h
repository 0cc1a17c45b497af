// What the director itself says to clients: destination unreachable, reset, packet too big, echo replies.
//
// Thread safety: as WorkerContext. Every answer leaves from the virtual address that the client had asked, within the
// rate limit of its kind.
#pragma once

#include "director/config/settings.h"
#include "director/counters/verdict.h"
#include "director/fragment/fragment.h"
#include "director/worker/pass.h"

namespace tunvs {

class Answers {
 public:
  Answers(Pass& pass, size_t cause) : worker_(pass.worker), out_(pass.out), cause_(cause), now_(pass.now) {}

  // Answers a packet for a port on which nobody listens as a host does: TCP with a reset, UDP with port unreachable,
  // and anything else with protocol unreachable.
  void refuse(std::span<const uint8_t> packet, const ParsedPacket& parsed);
  // Answers port unreachable, to TCP too, as IPVS does when no real server may take a connection.
  void portUnreachable(std::span<const uint8_t> packet, const ParsedPacket& parsed);
  void reset(std::span<const uint8_t> packet, const ParsedPacket& parsed);
  // `mtu` is the tunnel's, in bytes. Returns false when it may not be said, or not now.
  bool tooBig(std::span<const uint8_t> packet, const ParsedPacket& parsed, uint32_t mtu);
  // Answers IPv6 (RFC 8200 section 4.5, RFC 7112): a fragment with an impossible length or offset, and a first one that
  // lacks headers. Answers nothing for any other reason.
  void malformedFragment(std::span<const uint8_t> packet, const ParsedPacket& parsed, const FragmentInfo& info,
                         FragmentDrop reason);
  bool echo(std::span<const uint8_t> packet, const ParsedPacket& parsed);
  // Sends an ICMP error of the given kind about `quoted`, which is a packet of the client's or the beginning of one, in
  // the name of `source`. Returns the length of what was sent; 0 when nothing was.
  size_t error(std::span<const uint8_t> quoted, Family family, uint8_t type, uint8_t code, uint32_t mtu,
               const IpAddress& source, const IpAddress& client, RateLimit& limit);

 private:
  bool allow(RateLimit& limit);
  // write(room) writes an answer of at most `bytes` and returns its length, 0 when there is none.
  template <typename Write>
  size_t send(size_t bytes, const IpAddress& client, Write&& write) {
    return out_.make(bytes, client, cause_, OutputWay::client, write);
  }
  void unreachable(std::span<const uint8_t> packet, const ParsedPacket& parsed, uint8_t type, uint8_t code,
                   uint32_t word);

  WorkerContext& worker_;
  OutputVector& out_;
  size_t cause_;
  Tick now_;
};

// Answers a packet that was not forwarded, where a host would.
void answerUnsent(Pass& pass, const Settings& settings, Verdict verdict, const ParsedPacket& parsed,
                  const Packet& packet, size_t cause);

}  // namespace tunvs
