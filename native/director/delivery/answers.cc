#include "director/delivery/answers.h"

#include "director/protocol/protocol_state.h"
#include "forward/outer_header.h"
#include "packet/answer_icmp4.h"
#include "packet/answer_icmp6.h"
#include "packet/answer_tcp.h"
#include "packet/icmp.h"
#include "packet/next_header.h"
#include "packet/transport_checksum.h"

namespace tunvs {
namespace {

// RFC 8200: the byte of the fixed header that names what follows. A parameter problem points to it.
constexpr uint32_t kNextHeaderOffset = 6;

// A checksum that is still to be finished says nothing yet. As for a host, that is no reason to doubt the packet.
ChecksumTrust trustIn(const ParsedPacket& parsed) {
  return parsed.offload.isNone() ? ChecksumTrust::none : ChecksumTrust::verified;
}

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
  if (family == Family::ipv6) {
    return send(kIcmp6ErrorMaxBytes, client, [&](std::span<uint8_t> room) {
      return writeIcmp6Error(room, {type, code, mtu, source}, quoted);
    });
  }
  const auto mtu16 = static_cast<uint16_t>(std::min<uint32_t>(mtu, UINT16_MAX));
  return send(kIcmp4ErrorMaxBytes, client, [&](std::span<uint8_t> room) {
    return writeIcmp4Error(room, {type, code, mtu16, source, worker_.answerIdentifications.next()}, quoted);
  });
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
  // A host says this about the whole datagram, and some datagrams never become whole.
  if (parsed.packetClass == PacketClass::fragment) return;
  if (parsed.protocol == kTcpProtocol) return reset(packet, parsed);
  if (parsed.protocol == kUdpProtocol) {
    // A host checks the checksum before it finds that nobody listens.
    const std::span<const uint8_t> segment = packet.subspan(parsed.transport);
    if (trustIn(parsed) == ChecksumTrust::none &&
        !transportChecksumIsRight(parsed.key.client(), parsed.key.virtualAddress(), parsed.protocol, segment)) {
      return;
    }
    return portUnreachable(packet, parsed);
  }
  if (parsed.key.isV4()) return unreachable(packet, parsed, icmp4::kUnreachable, icmp4::kProtocolUnreachable, 0);
  if (parsed.protocol == next_header::kNone) return;
  // Behind extension headers, the pointer would have to name a place that nobody needs to know.
  if (parsed.transport == kIpv6HeaderBytes) {
    unreachable(packet, parsed, icmp6::kParameterProblem, icmp6::kUnknownNextHeader, kNextHeaderOffset);
  }
}

void Answers::reset(std::span<const uint8_t> packet, const ParsedPacket& parsed) {
  if (parsed.event == static_cast<uint8_t>(TcpEvent::rst)) return;
  const size_t sent = send(kTcpResetMaxBytes, parsed.key.client(), [&](std::span<uint8_t> room) {
    const size_t bytes = writeTcpReset(room, packet, trustIn(parsed));
    return bytes != 0 && allow(worker_.limits.reset) ? bytes : 0;
  });
  if (sent != 0) worker_.stats.answersReset.add(1);
}

void Answers::malformedFragment(std::span<const uint8_t> packet, const ParsedPacket& parsed, const FragmentInfo& info,
                                FragmentDrop reason) {
  if (!isDroppedAlone(info, reason)) return;
  constexpr uint32_t kPayloadLengthOffset = 4;
  const uint32_t offsetField = parsed.fragmentPayload - 8u + 2u;
  const bool isTiny = reason == FragmentDrop::tinyFirst;
  const uint32_t pointer = isTiny ? 0 : reason == FragmentDrop::tooLong ? offsetField : kPayloadLengthOffset;
  unreachable(packet, parsed, icmp6::kParameterProblem, isTiny ? icmp6::kIncompleteChain : icmp6::kErroneousField,
              pointer);
}

bool Answers::tooBig(std::span<const uint8_t> packet, const ParsedPacket& parsed, uint32_t mtu) {
  const bool isV4 = parsed.key.isV4();
  return error(packet, parsed.key.family, isV4 ? icmp4::kUnreachable : icmp6::kPacketTooBig,
               isV4 ? icmp4::kFragmentationNeeded : 0, mtu, parsed.key.virtualAddress(), parsed.key.client(),
               worker_.limits.tooBig) != 0;
}

bool Answers::echo(std::span<const uint8_t> packet, const ParsedPacket& parsed) {
  if (!allow(worker_.limits.echo)) return false;
  return send(packet.size(), parsed.key.client(), [&](std::span<uint8_t> room) {
           return parsed.key.isV4() ? writeIcmp4EchoReply(room, packet, worker_.answerIdentifications.next())
                                    : writeIcmp6EchoReply(room, packet);
         }) != 0;
}

void answerUnsent(Pass& pass, const Settings& settings, Verdict verdict, const ParsedPacket& parsed,
                  const Packet& packet, size_t cause) {
  const bool mayCome = verdict == Verdict::dropNoServer || verdict == Verdict::dropNoService;
  if (mayCome && pass.services->isAwaiting()) return;
  Answers answers(pass, cause);
  const std::span<const uint8_t> bytes(packet.data, parsed.length);
  switch (verdict) {
    case Verdict::dropNoServer:
      if (settings.noServerReply == NoServerReply::reset && parsed.protocol == kTcpProtocol)
        return answers.reset(bytes, parsed);
      return answers.portUnreachable(bytes, parsed);
    case Verdict::dropConnectionReset: return answers.reset(bytes, parsed);
    case Verdict::dropNoService:
    case Verdict::dropNotScheduled:
    case Verdict::dropProtocol:
      if (pass.services->virtualAddress(parsed.key.virtualAddress()) != nullptr) answers.refuse(bytes, parsed);
      return;
    default: return;
  }
}

}  // namespace tunvs
