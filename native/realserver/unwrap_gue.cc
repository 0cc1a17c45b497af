// Generic UDP encapsulation (draft-ietf-intarea-gue-09):
//
//   byte 0     version (2 bits), control (1), length of the optional fields in words of 32 bits (5)
//   byte 1     the inner packet's protocol number
//   byte 2, 3  flags; each that is known has a field of known length, in order. What is left of the length is private.
#include "packet/checksum.h"
#include "realserver/encapsulation.h"

namespace tunvs {
namespace {

constexpr size_t kGueHeaderBytes = 4, kFlagBytes = 4;
constexpr uint8_t kControl = 0x20;
constexpr unsigned kLengthMask = 0x1f;
constexpr uint16_t kPrivateFlags = 0x0001;
constexpr uint32_t kRemoteChecksum = 0x80000000;
constexpr Unwrapped kBad{.verdict = DecapVerdict::badTunnelHeader};

// Finishes a checksum that the sender left to us. It covers `packet` from `start` to the end, including its field,
// which holds the sum of the pseudo header. Returns false when it does not lie in the packet.
bool finishChecksum(std::span<uint8_t> packet, size_t start, size_t field) {
  if (start > field || field + 2 > packet.size()) return false;
  Be16 check = checksum(packet.data() + start, packet.size() - start);
  if (check.raw == 0) check.raw = 0xffff;  // the same sum; UDP's 0 says that there is none (RFC 768)
  std::memcpy(packet.data() + field, &check.raw, sizeof check.raw);
  return true;
}

Unwrapped inner(uint8_t protocol, std::span<uint8_t> packet) {
  switch (static_cast<IpProtocol>(protocol)) {
    case IpProtocol::ipip: return unwrapIpv4InIp(packet);
    case IpProtocol::ipv6: return unwrapIpv6InIp(packet);
    default: return kBad;
  }
}

// Takes version 1: the first byte of an IP packet reads as that version.
Unwrapped unwrapVersion1(std::span<uint8_t> payload) {
  switch (payload[0] >> 4) {
    case 4: return unwrapIpv4InIp(payload);
    case 6: return unwrapIpv6InIp(payload);
    default: return kBad;
  }
}

}  // namespace

Unwrapped unwrapGue(std::span<uint8_t> payload) {
  if (payload.empty()) return kBad;
  const unsigned version = payload[0] >> 6;
  if (version == 1) return unwrapVersion1(payload);
  if (version != 0 || payload.size() < kGueHeaderBytes || (payload[0] & kControl) != 0) return kBad;

  const size_t optionalBytes = size_t{payload[0] & kLengthMask} * 4;
  if (payload.size() < kGueHeaderBytes + optionalBytes) return kBad;
  const std::span<const uint8_t> fields = payload.subspan(kGueHeaderBytes, optionalBytes);
  const std::span<uint8_t> packet = payload.subspan(kGueHeaderBytes + optionalBytes);

  // An unknown flag has a field of unknown length and meaning.
  const uint16_t flags = loadBe16(&payload[2]);
  if ((flags & ~kPrivateFlags) != 0) return kBad;
  if ((flags & kPrivateFlags) != 0) {
    if (fields.size() < kFlagBytes) return kBad;
    const uint32_t privateFlags = loadBe32(fields.data());
    if ((privateFlags & ~kRemoteChecksum) != 0) return kBad;
    if ((privateFlags & kRemoteChecksum) != 0) {
      if (fields.size() < kFlagBytes + 4) return kBad;
      if (!finishChecksum(packet, loadBe16(&fields[4]), loadBe16(&fields[6]))) return kBad;
    }
  }
  return inner(payload[1], packet);
}

}  // namespace tunvs
