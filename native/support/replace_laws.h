// The laws of replacing a piece of a payload (ftp/replace_payload.h), for any packet, whatever its bytes are.
#pragma once

#include <algorithm>

#include "ftp/replace_payload.h"
#include "packet/tcp_segment.h"
#include "support/laws.h"
#include "support/raw_bytes.h"

namespace tunvs::testing {

// A Replacing is one call of replacePayload().
struct Replacing {
  Bytes packet;
  size_t transport = 0;
  PayloadRange range;
  std::string text;
  size_t capacity = 0;  // of the buffer; at least the packet's bytes
  Offload offload;
};

// By how much a sum differs from that of right bytes; there are two ways to write 0.
inline uint16_t errorOf(uint64_t sum) {
  const uint16_t folded = checksumFold(sum);
  return folded == 0xffff ? 0 : folded;
}

// Returns the error of the TCP checksum; of an unfinished one, what its field holds besides the length.
inline uint16_t tcpErrorOf(std::span<const uint8_t> packet, size_t transport, const Offload& offload) {
  const size_t bytes = packet.size() - transport;
  const uint8_t* const tcp = packet.data() + transport;
  if (offload.isNone()) return errorOf(checksumAdd(tcp, bytes, tcpPseudoSum(packet.data(), bytes)));
  const uint64_t length = Be16::from(static_cast<uint16_t>(bytes)).raw;
  return errorOf(loadUnaligned<uint16_t>(tcp + 16) + (0xffff - length));
}

inline uint16_t ipErrorOf(std::span<const uint8_t> packet) {
  return packet[0] >> 4 == 4 ? errorOf(checksumAdd(packet.data(), (packet[0] & 0x0f) * size_t{4})) : 0;
}

// Tells whether neither checksum is one that may come back written in the other way.
inline bool hasPlainFields(std::span<const uint8_t> packet, size_t transport) {
  const uint16_t tcp = loadBe16(&packet[transport + 16]);
  return tcp != 0 && tcp != 0xffff && (packet[0] >> 4 == 6 || loadBe16(&packet[10]) != 0xffff);
}

inline bool isRange(std::span<const uint8_t> a, std::span<const uint8_t> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

// Returns the new length, or 0 when it was refused.
inline size_t checkReplacing(const Replacing& call, Laws& laws) {
  const Bytes& was = call.packet;
  const Exact room(call.capacity);
  std::copy(was.begin(), was.end(), room.span().begin());
  const Bytes untouched = bytesOf(room.span());
  const auto length = replacePayload(room.span(), was.size(), call.transport, call.range, call.text, call.offload);
  if (!length) {
    laws.require(isRange(room.span(), untouched), "what is refused is not changed");
    return 0;
  }
  laws.require(*length + call.range.bytes == was.size() + call.text.size(), "the length changes by the difference");
  laws.require(*length <= call.capacity && *length <= 65535, "the packet fits");
  const std::span<const uint8_t> made = room.span().first(*length);
  laws.require(loadBe16(&made[made[0] >> 4 == 4 ? 2 : 4]) == *length - (made[0] >> 4 == 4 ? 0 : 40),
               "the IP header says the length");

  const size_t at = call.transport + (was[call.transport + 12] >> 4) * size_t{4} + call.range.offset;
  Bytes headers = bytesOf(made.first(at));
  for (const size_t field : {made[0] >> 4 == 4 ? size_t{2} : size_t{4}, call.transport + 16})
    std::copy_n(&was[field], 2, &headers[field]);
  if (made[0] >> 4 == 4) std::copy_n(&was[10], 2, &headers[10]);
  laws.require(isRange(headers, std::span(was).first(at)),
               "nothing before the range changes but lengths and checksums");
  const auto* const text = reinterpret_cast<const uint8_t*>(call.text.data());
  laws.require(isRange(made.subspan(at, call.text.size()), {text, call.text.size()}), "the text stands in the range");
  laws.require(isRange(made.subspan(at + call.text.size()), std::span(was).subspan(at + call.range.bytes)),
               "what follows has moved");
  laws.require(tcpErrorOf(made, call.transport, call.offload) == tcpErrorOf(was, call.transport, call.offload),
               "the TCP checksum's error stays");
  laws.require(ipErrorOf(made) == ipErrorOf(was), "the header checksum's error stays");

  const PayloadRange back{call.range.offset, call.text.size()};
  const std::string old(reinterpret_cast<const char*>(was.data()) + at, call.range.bytes);
  const auto again = replacePayload(room.span(), *length, call.transport, back, old, call.offload);
  laws.require(again == was.size(), "it can be replaced back");
  if (again == was.size() && hasPlainFields(was, call.transport))
    laws.require(isRange(room.span().first(*again), was), "replacing back is the identity");
  return *length;
}

}  // namespace tunvs::testing
