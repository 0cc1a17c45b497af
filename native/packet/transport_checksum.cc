#include "packet/transport_checksum.h"

#include "core/header_bytes.h"
#include "packet/checksum.h"

namespace tunvs {
namespace {

bool sumIsRight(const IpAddress& source, const IpAddress& destination, uint8_t protocol,
                std::span<const uint8_t> segment) {
  const uint64_t pseudo = pseudoHeaderSum(source, destination, protocol, static_cast<uint32_t>(segment.size()));
  return checksumFold(checksumAdd(segment.data(), segment.size(), pseudo)) == 0xffff;
}

bool udpChecksumIsRight(const IpAddress& source, const IpAddress& destination, std::span<const uint8_t> segment) {
  if (segment.size() < kUdpHeaderBytes) return false;
  const size_t length = loadBe16(segment.data() + 4);
  if (length < kUdpHeaderBytes || length > segment.size()) return false;
  if (loadBe16(segment.data() + 6) == 0) return source.isV4();
  return sumIsRight(source, destination, static_cast<uint8_t>(IpProtocol::udp), segment.first(length));
}

}  // namespace

bool transportChecksumIsRight(const IpAddress& source, const IpAddress& destination, uint8_t protocol,
                              std::span<const uint8_t> segment) {
  switch (static_cast<IpProtocol>(protocol)) {
    case IpProtocol::tcp:
    case IpProtocol::icmpv6: return sumIsRight(source, destination, protocol, segment);
    case IpProtocol::udp: return udpChecksumIsRight(source, destination, segment);
    case IpProtocol::icmp: return checksumFold(checksumAdd(segment.data(), segment.size())) == 0xffff;
    default: return false;
  }
}

}  // namespace tunvs
