#include "packet/answer_icmp4.h"

#include <algorithm>
#include <cassert>

#include "core/header_bytes.h"
#include "packet/checksum.h"
#include "packet/icmp.h"
#include "packet/quote.h"
#include "packet/transport_checksum.h"

namespace tunvs {
namespace {

constexpr uint8_t kInternetworkControl = 0xc0;  // precedence, RFC 791
constexpr uint8_t kTosBits = 0x1e;              // RFC 1349
constexpr uint8_t kNewestKnownType = 18;        // RFC 950; Linux answers about no later type

bool isIcmp(const Quote& quote) { return quote.protocol == static_cast<uint8_t>(IpProtocol::icmp); }

bool isAnswerableIcmpType(uint8_t type) {
  switch (type) {
    case icmp4::kUnreachable:
    case icmp4::kSourceQuench:
    case icmp4::kRedirect:
    case icmp4::kTimeExceeded:
    case icmp4::kParameterProblem: return false;
    default: return type <= kNewestKnownType;
  }
}

struct Header {
  uint8_t tos;
  uint16_t identification;
  IpAddress source;
  IpAddress destination;
};

void writeIpv4Header(uint8_t* p, size_t length, const Header& header) {
  p[0] = 0x45;
  p[1] = header.tos;
  storeBe16(p + 2, static_cast<uint16_t>(length));
  storeBe16(p + 4, header.identification);
  storeBe16(p + 6, 0);
  p[8] = kAnswerTtl;
  p[9] = static_cast<uint8_t>(IpProtocol::icmp);
  storeBe16(p + 10, 0);
  std::memcpy(p + 12, header.source.bytes.data(), 4);
  std::memcpy(p + 16, header.destination.bytes.data(), 4);
  const Be16 check = checksum(p, kIpv4HeaderBytes);
  std::memcpy(p + 10, &check, sizeof check);
}

void sealIcmp4(uint8_t* icmp, size_t bytes) {
  storeBe16(icmp + 2, 0);
  const Be16 check = checksum(icmp, bytes);
  std::memcpy(icmp + 2, &check, sizeof check);
}

}  // namespace

bool mayAnswerIcmp4(std::span<const uint8_t> packet) {
  const auto quote = readQuote(packet);
  if (!quote || quote->family() != Family::ipv4 || quote->fragmentOffset != 0) return false;
  if (!isUnicast(quote->source) || !isUnicast(quote->destination) || quote->source == quote->destination) return false;
  if (!isIcmp(*quote)) return true;
  return quote->quotedBytes > quote->headerBytes && isAnswerableIcmpType(packet[quote->headerBytes]);
}

size_t writeIcmp4Error(std::span<uint8_t> out, const Icmp4Error& error, std::span<const uint8_t> packet) {
  assert(mayAnswerIcmp4(packet) && error.source.isV4());
  const auto quote = readQuote(packet);
  if (!quote || quote->family() != Family::ipv4) return 0;
  constexpr size_t kHeaders = kIpv4HeaderBytes + kIcmpHeaderBytes;
  const size_t quoted = std::min<size_t>(quote->quotedBytes, kIcmp4ErrorMaxBytes - kHeaders);
  const size_t length = kHeaders + quoted;
  if (length > out.size()) return 0;

  uint8_t* const icmp = out.data() + kIpv4HeaderBytes;
  std::memmove(icmp + kIcmpHeaderBytes, packet.data(), quoted);
  icmp[0] = error.type;
  icmp[1] = error.code;
  storeBe16(icmp + 4, 0);
  storeBe16(icmp + 6, error.mtu);
  sealIcmp4(icmp, length - kIpv4HeaderBytes);
  const uint8_t tos = kInternetworkControl | (quote->trafficClass & kTosBits);
  writeIpv4Header(out.data(), length, {tos, error.identification, error.source, quote->source});
  return length;
}

size_t writeIcmp4EchoReply(std::span<uint8_t> out, std::span<const uint8_t> request, uint16_t identification) {
  const auto quote = readQuote(request);
  if (!quote || quote->family() != Family::ipv4 || !isIcmp(*quote)) return 0;
  if (quote->isFragment() || !quote->isWhole()) return 0;
  if (!isUnicast(quote->source) || !isUnicast(quote->destination) || quote->source == quote->destination) return 0;
  const auto message = request.first(quote->totalBytes).subspan(quote->headerBytes);
  if (message.size() < kIcmpHeaderBytes || message[0] != icmp4::kEchoRequest) return 0;
  if (!transportChecksumIsRight(quote->source, quote->destination, quote->protocol, message)) return 0;
  const size_t length = kIpv4HeaderBytes + message.size();
  if (length > out.size()) return 0;

  uint8_t* const icmp = out.data() + kIpv4HeaderBytes;
  std::memmove(icmp, message.data(), message.size());
  icmp[0] = icmp4::kEchoReply;
  sealIcmp4(icmp, length - kIpv4HeaderBytes);
  writeIpv4Header(out.data(), length, {quote->trafficClass, identification, quote->destination, quote->source});
  return length;
}

}  // namespace tunvs
