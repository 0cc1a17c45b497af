#include "packet/answer_icmp6.h"

#include <algorithm>
#include <cassert>

#include "core/header_bytes.h"
#include "packet/answer_icmp4.h"
#include "packet/checksum.h"
#include "packet/icmp.h"
#include "packet/quote.h"
#include "packet/transport_checksum.h"

namespace tunvs {
namespace {

constexpr uint8_t kIcmpv6 = static_cast<uint8_t>(IpProtocol::icmpv6);

void writeIpv6Header(uint8_t* p, size_t length, uint8_t trafficClass, const IpAddress& source,
                     const IpAddress& destination) {
  storeBe32(p, 0x60000000 | uint32_t{trafficClass} << 20);
  storeBe16(p + 4, static_cast<uint16_t>(length - kIpv6HeaderBytes));
  p[6] = kIcmpv6;
  p[7] = kAnswerTtl;
  std::memcpy(p + 8, source.bytes.data(), 16);
  std::memcpy(p + 24, destination.bytes.data(), 16);
}

void sealIcmp6(uint8_t* icmp, size_t bytes, const IpAddress& source, const IpAddress& destination) {
  storeBe16(icmp + 2, 0);
  const uint64_t pseudo = pseudoHeaderSum(source, destination, kIcmpv6, static_cast<uint32_t>(bytes));
  const Be16 check = checksum(icmp, bytes, pseudo);
  std::memcpy(icmp + 2, &check, sizeof check);
}

bool areSingleHosts(const Quote& quote) {
  return isUnicast(quote.source) && isUnicast(quote.destination) && quote.source != quote.destination;
}

}  // namespace

bool mayAnswerIcmp6(std::span<const uint8_t> packet, uint8_t type) {
  const auto quote = readQuote(packet);
  if (!quote || quote->family() != Family::ipv6 || !areSingleHosts(*quote)) return false;
  if (quote->fragmentOffset != 0)
    return (type == icmp6::kPacketTooBig || type == icmp6::kParameterProblem) && quote->protocol != kIcmpv6;
  if (quote->protocol != kIcmpv6) return true;
  if (quote->quotedBytes == quote->headerBytes) return false;
  const uint8_t about = packet[quote->headerBytes];
  return about >= icmp6::kFirstInformational && about != icmp6::kRedirect;
}

size_t writeIcmp6Error(std::span<uint8_t> out, const Icmp6Error& error, std::span<const uint8_t> packet) {
  assert(mayAnswerIcmp6(packet, error.type) && !error.source.isV4());
  const auto quote = readQuote(packet);
  if (!quote || quote->family() != Family::ipv6) return 0;
  constexpr size_t kHeaders = kIpv6HeaderBytes + kIcmpHeaderBytes;
  const size_t quoted = std::min<size_t>(quote->quotedBytes, kIcmp6ErrorMaxBytes - kHeaders);
  const size_t length = kHeaders + quoted;
  if (length > out.size()) return 0;

  uint8_t* const icmp = out.data() + kIpv6HeaderBytes;
  std::memmove(icmp + kIcmpHeaderBytes, packet.data(), quoted);
  icmp[0] = error.type;
  icmp[1] = error.code;
  storeBe32(icmp + 4, error.mtu);
  sealIcmp6(icmp, length - kIpv6HeaderBytes, error.source, quote->source);
  writeIpv6Header(out.data(), length, 0, error.source, quote->source);
  return length;
}

size_t writeIcmp6EchoReply(std::span<uint8_t> out, std::span<const uint8_t> request) {
  const auto quote = readQuote(request);
  if (!quote || quote->family() != Family::ipv6 || quote->protocol != kIcmpv6) return 0;
  if (quote->isFragment() || !quote->isWhole() || !areSingleHosts(*quote)) return 0;
  const auto message = request.first(quote->totalBytes).subspan(quote->headerBytes);
  if (message.size() < kIcmpHeaderBytes || message[0] != icmp6::kEchoRequest) return 0;
  if (!transportChecksumIsRight(quote->source, quote->destination, kIcmpv6, message)) return 0;
  const size_t length = kIpv6HeaderBytes + message.size();
  if (length > out.size()) return 0;

  uint8_t* const icmp = out.data() + kIpv6HeaderBytes;
  std::memmove(icmp, message.data(), message.size());
  icmp[0] = icmp6::kEchoReply;
  sealIcmp6(icmp, length - kIpv6HeaderBytes, quote->destination, quote->source);
  writeIpv6Header(out.data(), length, quote->trafficClass, quote->destination, quote->source);
  return length;
}

}  // namespace tunvs
