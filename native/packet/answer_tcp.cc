#include "packet/answer_tcp.h"

#include <optional>

#include "core/header_bytes.h"
#include "packet/answer_icmp4.h"
#include "packet/checksum.h"
#include "packet/quote.h"

namespace tunvs {
namespace {

constexpr uint8_t kFin = 0x01, kSyn = 0x02, kRst = 0x04, kAck = 0x10;
constexpr uint8_t kTcp = static_cast<uint8_t>(IpProtocol::tcp);
constexpr uint8_t kDscp = 0xfc;

struct Reset {
  IpAddress source;
  IpAddress destination;
  Be16 sourcePort;
  Be16 destinationPort;
  uint32_t sequence = 0;
  uint32_t acknowledgement = 0;
  uint8_t flags = kRst;
  uint8_t trafficClass = 0;
};

// Returns the reset that answers `packet`, or nullopt when none does.
std::optional<Reset> resetFor(std::span<const uint8_t> packet, ChecksumTrust trust) {
  const auto quote = readQuote(packet);
  if (!quote || quote->protocol != kTcp || quote->isFragment() || !quote->isWhole()) return std::nullopt;
  if (!isUnicast(quote->source) || !isUnicast(quote->destination) || quote->source == quote->destination) {
    return std::nullopt;
  }
  const auto segment = packet.first(quote->totalBytes).subspan(quote->headerBytes);
  if (segment.size() < kTcpHeaderBytes) return std::nullopt;
  const size_t headerBytes = size_t{segment[12]} / 16 * 4;
  const uint8_t flags = segment[13];
  if (headerBytes < kTcpHeaderBytes || headerBytes > segment.size() || (flags & kRst) != 0) return std::nullopt;
  if (trust == ChecksumTrust::none &&
      !transportChecksumIsRight(quote->source, quote->destination, quote->protocol, segment)) {
    return std::nullopt;
  }

  Reset reset;
  reset.source = quote->destination;
  reset.destination = quote->source;
  reset.sourcePort = quote->destinationPort;
  reset.destinationPort = quote->sourcePort;
  reset.trafficClass = quote->trafficClass & kDscp;
  if ((flags & kAck) != 0) {
    reset.sequence = loadBe32(segment.data() + 8);
  } else {
    const auto length = static_cast<uint32_t>(segment.size() - headerBytes);
    const uint32_t controls = ((flags & kSyn) != 0 ? 1 : 0) + ((flags & kFin) != 0 ? 1 : 0);
    reset.acknowledgement = loadBe32(segment.data() + 4) + length + controls;
    reset.flags |= kAck;
  }
  return reset;
}

void writeIpv4Header(uint8_t* p, const Reset& reset) {
  std::memset(p, 0, 20);
  p[0] = 0x45;
  p[1] = reset.trafficClass;
  storeBe16(p + 2, 20 + kTcpHeaderBytes);
  storeBe16(p + 6, 0x4000);  // DF; so the identification may be 0 (RFC 6864)
  p[8] = kAnswerTtl;
  p[9] = kTcp;
  std::memcpy(p + 12, reset.source.bytes.data(), 4);
  std::memcpy(p + 16, reset.destination.bytes.data(), 4);
  const Be16 check = checksum(p, 20);
  std::memcpy(p + 10, &check, sizeof check);
}

void writeIpv6Header(uint8_t* p, const Reset& reset) {
  storeBe32(p, 0x60000000 | uint32_t{reset.trafficClass} << 20);
  storeBe16(p + 4, kTcpHeaderBytes);
  p[6] = kTcp;
  p[7] = kAnswerTtl;
  std::memcpy(p + 8, reset.source.bytes.data(), 16);
  std::memcpy(p + 24, reset.destination.bytes.data(), 16);
}

void writeTcpHeader(uint8_t* p, const Reset& reset) {
  std::memset(p, 0, kTcpHeaderBytes);
  std::memcpy(p, &reset.sourcePort, 2);
  std::memcpy(p + 2, &reset.destinationPort, 2);
  storeBe32(p + 4, reset.sequence);
  storeBe32(p + 8, reset.acknowledgement);
  p[12] = kTcpHeaderBytes / 4 << 4;
  p[13] = reset.flags;
  const Be16 check =
      checksum(p, kTcpHeaderBytes, pseudoHeaderSum(reset.source, reset.destination, kTcp, kTcpHeaderBytes));
  std::memcpy(p + 16, &check, sizeof check);
}

}  // namespace

size_t writeTcpReset(std::span<uint8_t> out, std::span<const uint8_t> segment, ChecksumTrust trust) {
  const auto reset = resetFor(segment, trust);
  if (!reset) return 0;
  const size_t ipBytes = reset->source.isV4() ? 20 : 40;
  if (out.size() < ipBytes + kTcpHeaderBytes) return 0;
  if (reset->source.isV4()) {
    writeIpv4Header(out.data(), *reset);
  } else {
    writeIpv6Header(out.data(), *reset);
  }
  writeTcpHeader(out.data() + ipBytes, *reset);
  return ipBytes + kTcpHeaderBytes;
}

}  // namespace tunvs
