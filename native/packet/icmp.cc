#include "packet/icmp.h"

#include <cassert>

#include "packet/transport_checksum.h"

namespace tunvs {
namespace {

// RFC 4884 section 4: some errors have the length of the quoted packet in their header, at these offsets and in these
// units.
constexpr size_t kQuoteLengthAt4 = 5, kQuoteUnitBytes4 = 4;
constexpr size_t kQuoteLengthAt6 = 4, kQuoteUnitBytes6 = 8;

bool mayHaveExtensions(const IcmpMessage& icmp) {
  if (icmp.family == Family::ipv6) return icmp.type == icmp6::kUnreachable || icmp.type == icmp6::kTimeExceeded;
  return icmp.type == icmp4::kUnreachable || icmp.type == icmp4::kTimeExceeded || icmp.type == icmp4::kParameterProblem;
}

// A length of 0 means that there are no extensions; one beyond the end is nonsense and cuts nothing off.
std::span<const uint8_t> quotedPacket(const IcmpMessage& icmp, std::span<const uint8_t> message) {
  const auto body = message.subspan(kIcmpHeaderBytes);
  if (!mayHaveExtensions(icmp)) return body;
  const size_t bytes = icmp.family == Family::ipv6 ? message[kQuoteLengthAt6] * kQuoteUnitBytes6
                                                   : message[kQuoteLengthAt4] * kQuoteUnitBytes4;
  return bytes > 0 && bytes < body.size() ? body.first(bytes) : body;
}

void classify4(const uint8_t* header, IcmpMessage& icmp) {
  icmp.isHandledError =
      icmp.type == icmp4::kUnreachable || icmp.type == icmp4::kSourceQuench || icmp.type == icmp4::kTimeExceeded;
  icmp.isError = icmp.isHandledError || icmp.type == icmp4::kRedirect || icmp.type == icmp4::kParameterProblem;
  icmp.isTooBig = icmp.type == icmp4::kUnreachable && icmp.code == icmp4::kFragmentationNeeded;
  if (icmp.isTooBig) icmp.mtu = loadBe16(header + 6);
}

void classify6(const uint8_t* header, IcmpMessage& icmp) {
  icmp.isError = icmp.isHandledError = icmp.type < icmp6::kFirstInformational;
  icmp.isTooBig = icmp.type == icmp6::kPacketTooBig;
  if (icmp.isTooBig) icmp.mtu = loadBe32(header + 4);
}

}  // namespace

std::optional<IcmpMessage> readIcmp(const IpAddress& source, const IpAddress& destination,
                                    std::span<const uint8_t> message) {
  assert(source.family == destination.family);
  if (message.size() < kIcmpHeaderBytes) return std::nullopt;
  IcmpMessage icmp;
  icmp.family = source.family;
  icmp.type = message[0];
  icmp.code = message[1];
  const IpProtocol protocol = source.isV4() ? IpProtocol::icmp : IpProtocol::icmpv6;
  icmp.checksumIsRight = transportChecksumIsRight(source, destination, static_cast<uint8_t>(protocol), message);
  if (source.isV4()) {
    classify4(message.data(), icmp);
  } else {
    classify6(message.data(), icmp);
  }
  if (icmp.isError) icmp.quoted = quotedPacket(icmp, message);
  return icmp;
}

}  // namespace tunvs
