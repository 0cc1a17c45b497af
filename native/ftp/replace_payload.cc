#include "ftp/replace_payload.h"

#include <algorithm>
#include <cstring>

#include "core/header_bytes.h"
#include "ftp/checksum_difference.h"
#include "packet/packet_vector.h"

namespace tunvs {
namespace {

// Tells whether the IP header is whole, lies before the transport header and says that the packet has `length` bytes.
bool saysLength(std::span<const uint8_t> room, size_t length, size_t transport) {
  const uint8_t* const ip = room.data();
  if (length > room.size() || length < kIpv4HeaderBytes) return false;
  if (ip[0] >> 4 == 4) {
    const size_t headerBytes = (ip[0] & 0x0f) * size_t{4};
    return headerBytes >= kIpv4HeaderBytes && headerBytes <= transport && loadBe16(ip + 2) == length;
  }
  return ip[0] >> 4 == 6 && length >= kIpv6HeaderBytes && transport >= kIpv6HeaderBytes &&
         loadBe16(ip + 4) + kIpv6HeaderBytes == length;
}

void writeLength(uint8_t* ip, size_t length) {
  if (ip[0] >> 4 == 6) {
    storeBe16(ip + 4, static_cast<uint16_t>(length - kIpv6HeaderBytes));
    return;
  }
  const auto before = loadUnaligned<uint16_t>(ip + 2);
  storeBe16(ip + 2, static_cast<uint16_t>(length));
  mendChecksum(ip + 10, before, loadUnaligned<uint16_t>(ip + 2));
}

// Returns a length as the sum of the pseudo header has it.
uint64_t lengthSum(size_t bytes) { return Be16::from(static_cast<uint16_t>(bytes)).raw; }

// Changes the length within the sum of a pseudo header, which is not complemented.
void mendUnfinished(uint8_t* field, size_t before, size_t after) {
  if (before == after) return;
  const uint64_t withoutLength = loadUnaligned<uint16_t>(field) + (0xffff - lengthSum(before));
  const uint16_t sum = checksumFold(withoutLength + lengthSum(after));
  std::memcpy(field, &sum, sizeof sum);
}

}  // namespace

std::optional<size_t> replacePayload(std::span<uint8_t> room, size_t length, size_t transport,
                                     const PayloadRange& range, std::string_view text, const Offload& offload) {
  if (!saysLength(room, length, transport)) return std::nullopt;
  if (transport > length || length - transport < kTcpHeaderBytes) return std::nullopt;
  uint8_t* const tcp = room.data() + transport;
  const size_t tcpBytes = length - transport;
  const size_t headerBytes = (tcp[12] >> 4) * size_t{4};
  if (headerBytes < kTcpHeaderBytes || headerBytes > tcpBytes) return std::nullopt;
  const size_t payloadBytes = tcpBytes - headerBytes;
  if (range.offset > payloadBytes || range.bytes > payloadBytes - range.offset) return std::nullopt;
  const size_t kept = length - range.bytes;
  if (text.size() > kMaxPacketBytes || kept + text.size() > std::min(room.size(), kMaxPacketBytes)) return std::nullopt;

  // The rest may move by an odd number of bytes, and then each of its bytes counts in the other half of a word. So all
  // that follows is summed up before and after, from the beginning of a word on.
  const size_t at = headerBytes + range.offset;
  const size_t word = at & ~size_t{1};
  const size_t newTcpBytes = tcpBytes - range.bytes + text.size();
  const uint64_t before = offload.isNone() ? checksumAdd(tcp + word, tcpBytes - word, lengthSum(tcpBytes)) : 0;
  std::memmove(tcp + at + text.size(), tcp + at + range.bytes, tcpBytes - at - range.bytes);
  if (!text.empty()) std::memcpy(tcp + at, text.data(), text.size());
  if (offload.isNone()) {
    mendChecksum(tcp + 16, before, checksumAdd(tcp + word, newTcpBytes - word, lengthSum(newTcpBytes)));
  } else {
    mendUnfinished(tcp + 16, tcpBytes, newTcpBytes);
  }
  writeLength(room.data(), kept + text.size());
  return kept + text.size();
}

}  // namespace tunvs
