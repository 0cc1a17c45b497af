#include "packet/client_address.h"

#include <array>

#include "packet/checksum.h"
#include "packet/rewrite.h"

namespace tunvs {
namespace {

constexpr uint8_t kToaOption = 254;
constexpr size_t kDataOffset = 12, kFlags = 13, kUrgentPointer = 18;
constexpr uint8_t kTcpPsh = 0x08, kTcpUrg = 0x20, kTcpCwr = 0x80;

size_t copy(char* to, const void* from, size_t bytes) {
  std::memcpy(to, from, bytes);
  return bytes;
}

// Adds the change of a 16-bit word at an even place to a checksum.
void changeWord(uint8_t* check, uint16_t before, uint16_t after) {
  const Be16 changed = checksumReplace(Be16{loadUnaligned<uint16_t>(check)}, Be16{before}, Be16{after});
  std::memcpy(check, &changed.raw, sizeof changed.raw);
}

// Fills in the checksum at `field`.
void seal(std::span<uint8_t> bytes, size_t field, uint64_t initial) {
  std::memset(&bytes[field], 0, 2);
  const Be16 check = checksum(bytes.data(), bytes.size(), initial);
  std::memcpy(&bytes[field], &check.raw, sizeof check.raw);
}

constexpr uint8_t kEndOfOptions = 0, kNoOperation = 1;

// Calls `use` with each option of more than one byte, until it returns false.
template <typename Use>
void forEachOption(uint8_t* tcp, size_t segmentBytes, Use&& use) {
  const size_t header = std::min<size_t>((tcp[kDataOffset] >> 4) * size_t{4}, segmentBytes);
  for (size_t at = kTcpHeaderBytes; at < header && tcp[at] != kEndOfOptions;) {
    if (tcp[at] == kNoOperation) {
      at++;
      continue;
    }
    if (at + 2 > header || tcp[at + 1] < 2 || at + tcp[at + 1] > header) return;
    const size_t bytes = tcp[at + 1];
    if (!use(std::span(tcp + at, bytes))) return;
    at += bytes;
  }
}

// Changes bytes of a TCP header, wherever they lie, and mends the checksum unless it is unfinished.
void change(uint8_t* tcp, std::span<uint8_t> bytes, std::span<const uint8_t> to, const Offload& offload) {
  for (size_t i = 0; i < bytes.size(); i++) {
    uint8_t* const word = tcp + (bytes.data() + i - tcp) / 2 * 2;
    const auto before = loadUnaligned<uint16_t>(word);
    bytes[i] = to[i];
    if (offload.isNone()) changeWord(tcp + kTcpCheck, before, loadUnaligned<uint16_t>(word));
  }
}

}  // namespace

size_t writeProxyHeader(std::span<char, kMaxProxyHeaderBytes> room, const FlowKey& flow) {
  static constexpr char kSignature[] = "\x0d\x0a\x0d\x0a\x00\x0d\x0a\x51\x55\x49\x54\x0a";
  const size_t bytes = addressBytes(flow.family);
  char* p = room.data();
  p += copy(p, kSignature, 12);
  *p++ = 0x21;                                       // version 2, PROXY
  *p++ = flow.family == Family::ipv4 ? 0x11 : 0x21;  // TCP over IPv4, or over IPv6
  const Be16 length = Be16::from(static_cast<uint16_t>(2 * bytes + 4));
  p += copy(p, &length.raw, 2);
  p += copy(p, flow.client().bytes.data(), bytes);
  p += copy(p, flow.virtualAddress().bytes.data(), bytes);
  const Be16 ports[] = {flow.clientPort(), flow.virtualPort()};
  p += copy(p, ports, sizeof ports);
  return static_cast<size_t>(p - room.data());
}

size_t writeToa(std::span<char, kMaxToaBytes> room, const FlowKey& flow) {
  char* p = room.data();
  *p++ = static_cast<char>(kToaOption);
  *p++ = static_cast<char>(toaBytes(flow.family));
  const Be16 port = flow.clientPort();
  p += copy(p, &port.raw, 2);
  p += copy(p, flow.client().bytes.data(), addressBytes(flow.family));
  return static_cast<size_t>(p - room.data());
}

std::optional<size_t> insertTcpOption(std::span<uint8_t> room, size_t length, size_t transport,
                                      std::string_view option) {
  uint8_t* const tcp = room.data() + transport;
  const size_t header = (tcp[kDataOffset] >> 4) * size_t{4};
  const size_t segment = length - transport, longer = option.size();
  if (header < kTcpHeaderBytes || header > segment || header + longer > kMaxTcpHeaderBytes) return std::nullopt;
  if (length + longer > room.size() || length + longer > kMaxPacketBytes) return std::nullopt;
  const bool isV4 = room[0] >> 4 == 4;
  const size_t lengthField = isV4 ? 2 : 4;
  uint8_t* const place = tcp + kTcpHeaderBytes;
  std::memmove(place + longer, place, segment - kTcpHeaderBytes);
  std::memcpy(place, option.data(), longer);

  // The option stands at a multiple of 4, and what follows has moved by one, so that sums stay as they are otherwise.
  const auto before = loadUnaligned<uint16_t>(tcp + kDataOffset);
  tcp[kDataOffset] = static_cast<uint8_t>(tcp[kDataOffset] + (longer / 4 << 4));
  changeWord(tcp + kTcpCheck, before, loadUnaligned<uint16_t>(tcp + kDataOffset));
  for (size_t i = 0; i < longer; i += 2) changeWord(tcp + kTcpCheck, 0, loadUnaligned<uint16_t>(place + i));
  const Be16 segmentBefore = Be16::from(static_cast<uint16_t>(segment));
  const Be16 segmentAfter = Be16::from(static_cast<uint16_t>(segment + longer));
  changeWord(tcp + kTcpCheck, segmentBefore.raw, segmentAfter.raw);
  const Be16 stated{loadUnaligned<uint16_t>(room.data() + lengthField)};
  const Be16 longerStated = Be16::from(static_cast<uint16_t>(stated.host() + longer));
  std::memcpy(room.data() + lengthField, &longerStated.raw, 2);
  if (isV4) changeWord(room.data() + kIpv4Check, stated.raw, longerStated.raw);
  return length + longer;
}

void clearUrgent(uint8_t* tcp, const Offload& offload) {
  static constexpr std::array<uint8_t, 2> kNone{};
  std::array<uint8_t, 1> flags{static_cast<uint8_t>(tcp[kFlags] & ~kTcpUrg)};
  change(tcp, {tcp + kFlags, 1}, flags, offload);
  change(tcp, {tcp + kUrgentPointer, 2}, kNone, offload);
}

void moveNumbers(uint8_t* tcp, uint32_t sequenceUp, uint32_t acknowledgedDown, const Offload& offload) {
  const auto move = [&](size_t field, uint32_t by) {
    if (by == 0) return;
    std::array<uint8_t, 4> moved{};
    storeBe32(moved.data(), loadBe32(tcp + field) + by);
    change(tcp, {tcp + field, 4}, moved, offload);
  };
  move(4, sequenceUp);
  move(8, 0 - acknowledgedDown);
}

size_t writeSegment(std::span<uint8_t> room, const ParsedPacket& like, std::string_view payload) {
  const size_t transport = like.transport;
  const size_t header = (like.data[transport + kDataOffset] >> 4) * size_t{4};
  const size_t headers = transport + header, length = headers + payload.size();
  if (header < kTcpHeaderBytes || headers > like.length || length > room.size()) return 0;
  std::memcpy(room.data(), like.data, headers);
  std::memcpy(room.data() + headers, payload.data(), payload.size());
  uint8_t* const tcp = room.data() + transport;
  tcp[kFlags] = static_cast<uint8_t>((tcp[kFlags] & ~(kTcpFin | kTcpUrg | kTcpCwr)) | kTcpPsh);
  std::memset(tcp + kUrgentPointer, 0, 2);
  const FlowKey& key = like.key;
  const Be16 stated = Be16::from(static_cast<uint16_t>(key.isV4() ? length : length - kIpv6HeaderBytes));
  std::memcpy(room.data() + (key.isV4() ? 2 : 4), &stated.raw, 2);
  if (key.isV4()) seal(room.first(transport), kIpv4Check, 0);
  const auto segment = static_cast<uint32_t>(length - transport);
  seal(room.subspan(transport, segment), kTcpCheck,
       pseudoHeaderSum(key.client(), key.virtualAddress(), like.protocol, segment));
  return length;
}

void hideToa(uint8_t* tcp, size_t segmentBytes, const Offload& offload) {
  std::array<uint8_t, kMaxTcpHeaderBytes> nothing;
  nothing.fill(kNoOperation);
  forEachOption(tcp, segmentBytes, [&](std::span<uint8_t> option) {
    if (option[0] == kToaOption) change(tcp, option, std::span(nothing).first(option.size()), offload);
    return true;
  });
}

}  // namespace tunvs
