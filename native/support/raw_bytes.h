// Makes packets as plain bytes, for tests of what reads and writes them.
#pragma once

#include <algorithm>
#include <memory>
#include <span>
#include <utility>

#include "support/packet_builder.h"
#include "support/random.h"

namespace tunvs::testing {

// Holds a copy that begins and ends with its heap block, so that a sanitizer sees every access outside of it.
class Exact {
 public:
  explicit Exact(std::span<const uint8_t> bytes) : block_(new uint8_t[bytes.size()]), size_(bytes.size()) {
    std::copy(bytes.begin(), bytes.end(), block_.get());
  }
  explicit Exact(size_t size) : block_(new uint8_t[size]()), size_(size) {}
  std::span<uint8_t> span() const { return {block_.get(), size_}; }
  uint8_t& operator[](size_t i) const { return block_[i]; }

 private:
  std::unique_ptr<uint8_t[]> block_;
  size_t size_;
};

inline Bytes operator+(Bytes front, const Bytes& back) {
  front.insert(front.end(), back.begin(), back.end());
  return front;
}

inline Bytes bytesOf(std::span<const uint8_t> span) { return {span.begin(), span.end()}; }

inline Bytes firstOf(const Bytes& bytes, size_t count) { return {bytes.begin(), bytes.begin() + count}; }

inline Bytes noise(Random& random, size_t length) {
  Bytes bytes(length);
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random.next());
  return bytes;
}

// Returns the IPv4 address that stands there.
inline IpAddress addressAt(const Bytes& packet, size_t at) {
  return IpAddress::v4(packet[at], packet[at + 1], packet[at + 2], packet[at + 3]);
}

inline ParsedPacket parsedFrom(std::span<const uint8_t> packet, const Offload& offload = {}) {
  ParsedPacket parsed;  // which is read, and nothing is written
  parsePacket({const_cast<uint8_t*>(packet.data()), static_cast<uint32_t>(packet.size()), offload}, parsed);
  return parsed;
}

// Returns a packet with source and destination exchanged, addresses and ports. No checksum changes by that.
inline Bytes exchanged(Bytes packet) {
  const bool isV4 = packet[0] >> 4 == 4;
  const size_t addressBytes = isV4 ? 4 : 16, at = isV4 ? 12 : 8, transport = isV4 ? (packet[0] & 15) * size_t{4} : 40;
  for (size_t i = 0; i < addressBytes; i++) std::swap(packet[at + i], packet[at + addressBytes + i]);
  const bool hasPorts = packet.size() >= transport + 4 && (!isV4 || (loadBe16(&packet[6]) & 0x1fff) == 0);
  for (size_t i = 0; i < 2 && hasPorts; i++) std::swap(packet[transport + i], packet[transport + 2 + i]);
  return packet;
}

// Makes an IPv6 packet: a header, then `payload`, which begins with what `nextHeader` says.
inline Bytes ipv6Packet(const IpAddress& source, const IpAddress& destination, uint8_t nextHeader, const Bytes& payload,
                        uint8_t trafficClass = 0) {
  Bytes header(40);
  storeBe32(header.data(), 0x60000000 | uint32_t{trafficClass} << 20);
  storeBe16(&header[4], static_cast<uint16_t>(payload.size()));
  header[6] = nextHeader;
  header[7] = 64;
  std::copy(source.bytes.begin(), source.bytes.end(), &header[8]);
  std::copy(destination.bytes.begin(), destination.bytes.end(), &header[24]);
  return header + payload;
}

// Makes a TCP segment of 20 bytes over IPv6, without a checksum.
inline Bytes ipv6Tcp(const IpAddress& source, const IpAddress& destination, uint16_t sourcePort,
                     uint16_t destinationPort, uint8_t flags) {
  Bytes segment(20);
  storeBe16(&segment[0], sourcePort);
  storeBe16(&segment[2], destinationPort);
  segment[12] = 0x50;
  segment[13] = flags;
  return ipv6Packet(source, destination, 6, segment);
}

// Makes an IPv4 packet: a header of 20 bytes, then `payload`.
inline Bytes ipv4Packet(const IpAddress& source, const IpAddress& destination, uint8_t protocol, const Bytes& payload) {
  return PacketBuilder().ip(source, destination).protocol(static_cast<IpProtocol>(protocol)).payload(payload).build();
}

// Fills in the checksum at `field` of `segment`, or of an IPv4 header; its pseudo header's sum is `initial`.
inline void seal(std::span<uint8_t> segment, size_t field, uint64_t initial = 0) {
  storeBe16(&segment[field], 0);
  const Be16 check = checksum(segment.data(), segment.size(), initial);
  std::copy_n(reinterpret_cast<const uint8_t*>(&check.raw), 2, &segment[field]);
}

// Makes an ICMP message with a right checksum between these addresses. `rest` is the second word of the header.
inline Bytes icmpMessage(const IpAddress& source, const IpAddress& destination, uint8_t type, uint8_t code,
                         uint32_t rest, const Bytes& body = {}) {
  Bytes message = {type, code, 0, 0, 0, 0, 0, 0};
  storeBe32(&message[4], rest);
  message = message + body;
  seal(message, 2, source.isV4() ? 0 : pseudoHeaderSum(source, destination, 58, static_cast<uint32_t>(message.size())));
  return message;
}

// Makes a packet of either family that is an ICMP message.
inline Bytes icmpPacket(const IpAddress& source, const IpAddress& destination, uint8_t type, uint8_t code,
                        uint32_t rest, const Bytes& body = {}) {
  const Bytes message = icmpMessage(source, destination, type, code, rest, body);
  return source.isV4() ? ipv4Packet(source, destination, 1, message) : ipv6Packet(source, destination, 58, message);
}

}  // namespace tunvs::testing
