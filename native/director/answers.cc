#include "director/answers.h"

#include "core/answer_icmp4.h"
#include "core/answer_icmp6.h"
#include "core/answer_tcp.h"
#include "core/icmp.h"
#include "core/transport_checksum.h"
#include "director/protocol_state.h"
#include "forward/outer_header.h"

namespace tunvs {
namespace {

// RFC 8200: where the fixed header names what follows; a parameter problem points there.
constexpr uint32_t kNextHeaderOffset = 6;

}  // namespace

bool Answers::allow(RateLimit& limit) {
  if (limit.take(now_)) return true;
  worker_.stats.answersSuppressed.add(1);
  return false;
}

size_t Answers::error(std::span<const uint8_t> quoted, Family family, uint8_t type, uint8_t code, uint32_t mtu,
                      const IpAddress& source, const IpAddress& client, RateLimit& limit) {
  const bool may = family == Family::ipv4 ? mayAnswerIcmp4(quoted) : mayAnswerIcmp6(quoted, type);
  if (!may || !allow(limit)) return 0;
  size_t bytes;
  uint8_t* to;
  if (family == Family::ipv4) {
    to = out_.reserve(kIcmp4ErrorMaxBytes);
    const auto mtu16 = static_cast<uint16_t>(std::min<uint32_t>(mtu, UINT16_MAX));
    bytes = writeIcmp4Error({to, kIcmp4ErrorMaxBytes},
                            {type, code, mtu16, source, nextIdentification(worker_.identification)}, quoted);
  } else {
    to = out_.reserve(kIcmp6ErrorMaxBytes);
    bytes = writeIcmp6Error({to, kIcmp6ErrorMaxBytes}, {type, code, mtu, source}, quoted);
  }
  if (bytes != 0) out_.addAnswer(to, bytes, client, cause_);
  return bytes;
}

void Answers::unreachable(std::span<const uint8_t> packet, const ParsedPacket& parsed, uint8_t type, uint8_t code,
                          uint32_t word) {
  const FlowKey& key = parsed.key;
  if (error(packet, key.family, type, code, word, key.virtualAddress(), key.client(), worker_.limits.unreachable) !=
      0) {
    worker_.stats.answersUnreachable.add(1);
  }
}

void Answers::portUnreachable(std::span<const uint8_t> packet, const ParsedPacket& parsed) {
  if (parsed.key.isV4()) {
    unreachable(packet, parsed, icmp4::kUnreachable, icmp4::kPortUnreachable, 0);
  } else {
    unreachable(packet, parsed, icmp6::kUnreachable, icmp6::kPortUnreachable, 0);
  }
}

void Answers::refuse(std::span<const uint8_t> packet, const ParsedPacket& parsed) {
  if (parsed.protocol == kTcpProtocol) return reset(packet, parsed);
  if (parsed.protocol == kUdpProtocol) {
    // A host looks at the checksum before it finds that nobody listens.
    const std::span<const uint8_t> segment = packet.subspan(parsed.transport);
    if (!transportChecksumIsRight(parsed.key.client(), parsed.key.virtualAddress(), parsed.protocol, segment)) return;
    return portUnreachable(packet, parsed);
  }
  if (parsed.key.isV4()) return unreachable(packet, parsed, icmp4::kUnreachable, icmp4::kProtocolUnreachable, 0);
  // Behind extension headers the pointer would have to name a place that nobody needs to know.
  if (parsed.transport == kIpv6HeaderBytes) {
    unreachable(packet, parsed, icmp6::kParameterProblem, icmp6::kUnknownNextHeader, kNextHeaderOffset);
  }
}

void Answers::reset(std::span<const uint8_t> packet, const ParsedPacket& parsed) {
  if (parsed.event == static_cast<uint8_t>(TcpEvent::rst)) return;
  uint8_t* to = out_.reserve(kTcpResetMaxBytes);
  const size_t bytes = writeTcpReset({to, kTcpResetMaxBytes}, packet);
  if (bytes == 0 || !allow(worker_.limits.reset)) return;
  out_.addAnswer(to, bytes, parsed.key.client(), cause_);
  worker_.stats.answersReset.add(1);
}

bool Answers::tooBig(std::span<const uint8_t> packet, const ParsedPacket& parsed, uint32_t mtu) {
  const bool isV4 = parsed.key.isV4();
  return error(packet, parsed.key.family, isV4 ? icmp4::kUnreachable : icmp6::kPacketTooBig,
               isV4 ? icmp4::kFragmentationNeeded : 0, mtu, parsed.key.virtualAddress(), parsed.key.client(),
               worker_.limits.tooBig) != 0;
}

bool Answers::echo(std::span<const uint8_t> packet, const ParsedPacket& parsed) {
  if (!allow(worker_.limits.echo)) return false;
  uint8_t* to = out_.reserve(packet.size());
  const std::span<uint8_t> room(to, packet.size());
  const size_t bytes = parsed.key.isV4() ? writeIcmp4EchoReply(room, packet, nextIdentification(worker_.identification))
                                         : writeIcmp6EchoReply(room, packet);
  if (bytes == 0) return false;
  out_.addAnswer(to, bytes, parsed.key.client(), cause_);
  return true;
}

}  // namespace tunvs
