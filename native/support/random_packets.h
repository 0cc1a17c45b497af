// Makes TCP, UDP and SCTP packets of every form that a translation may meet: both families, options and extension
// headers, fragments, odd lengths, and checksums that are right, wrong or one of the two zeros.
#pragma once

#include "packet/crc32c.h"
#include "packet/rewrite.h"
#include "support/raw_bytes.h"

namespace tunvs::testing {

enum class Piece : uint8_t { whole, first, later };
enum class Check : uint8_t { right, wrong, zero, ones };

struct PacketForm {
  Family family = Family::ipv4;
  IpProtocol protocol = IpProtocol::tcp;
  Piece piece = Piece::whole;
  Check check = Check::right;  // only of a whole packet can it be right; that of a piece is then any
};

// No two of these are the same but by rare chance.
inline IpAddress randomAddress(Random& random, Family family) {
  if (family == Family::ipv4) return IpAddress::v4(Be32::from(0x0a000000 | random.below(1 << 24)));
  const Bytes bytes = Bytes{0x20, 0x01} + noise(random, 14);
  return IpAddress::v6(bytes.data());
}
inline Endpoint randomEndpoint(Random& random, Family family) {
  const IpAddress address = randomAddress(random, family);
  return {address, Be16::from(static_cast<uint16_t>(random.below(65536)))};
}
inline Endpoints randomEndpoints(Random& random, Family family) {
  const Endpoint source = randomEndpoint(random, family);
  return {source, randomEndpoint(random, family)};
}

inline PacketForm randomForm(Random& random) {
  constexpr IpProtocol kProtocols[] = {IpProtocol::tcp, IpProtocol::udp, IpProtocol::sctp};
  constexpr Piece kPieces[] = {Piece::whole, Piece::whole, Piece::first, Piece::later};
  PacketForm form;
  form.family = random.oneIn(2) ? Family::ipv4 : Family::ipv6;
  form.protocol = kProtocols[random.below(3)];
  form.piece = kPieces[random.below(4)];
  form.check = static_cast<Check>(random.below(4));
  return form;
}

// The rest of these is about one packet's parts, from the inside out.
inline size_t checkField(IpProtocol protocol) {
  return protocol == IpProtocol::tcp ? 16 : protocol == IpProtocol::udp ? 6 : 8;
}

// Tells whether the checksum of an IPv4 header is right; IPv6 has none.
inline bool isIpv4HeaderRight(std::span<const uint8_t> packet) {
  return packet[0] >> 4 != 4 || naiveSum(packet.data(), (packet[0] & 0xfu) * 4) == 0xffff;
}

inline Endpoints endpointsOf(const ParsedPacket& parsed) {
  return {{parsed.key.client(), parsed.key.clientPort()}, {parsed.key.virtualAddress(), parsed.key.virtualPort()}};
}

// Writes a value of RFC 9260's checksum, whose lowest byte comes first.
inline void storeCrc(uint8_t* field, uint32_t crc) {
  for (size_t i = 0; i < 4; i++) field[i] = static_cast<uint8_t>(crc >> 8 * i);
}

inline void sealSegment(Bytes& segment, const Endpoints& endpoints, IpProtocol protocol) {
  const size_t field = checkField(protocol);
  if (protocol == IpProtocol::sctp) {
    std::fill_n(&segment[field], 4, uint8_t{0});
    return storeCrc(&segment[field], crc32c(segment));
  }
  const auto bytes = static_cast<uint32_t>(segment.size());
  seal(segment, field,
       pseudoHeaderSum(endpoints.source.address, endpoints.destination.address, static_cast<uint8_t>(protocol), bytes));
  if (protocol == IpProtocol::udp && loadBe16(&segment[field]) == 0) storeBe16(&segment[field], 0xffff);
}

// Only the ports, the checksum and the flags mean something; UDP's length and TCP's data offset lie.
inline Bytes randomSegment(Random& random, const Endpoints& endpoints, const PacketForm& form) {
  Bytes segment = noise(random, (form.piece == Piece::first ? 24 : 20) + random.below(random.oneIn(4) ? 1400 : 60));
  std::memcpy(&segment[0], &endpoints.source.port, 2);
  std::memcpy(&segment[2], &endpoints.destination.port, 2);
  const size_t field = checkField(form.protocol), fieldBytes = form.protocol == IpProtocol::sctp ? 4 : 2;
  if (form.check == Check::right && form.piece == Piece::whole) sealSegment(segment, endpoints, form.protocol);
  if (form.check == Check::zero || form.check == Check::ones)
    std::fill_n(&segment[field], fieldBytes, form.check == Check::zero ? uint8_t{0} : uint8_t{0xff});
  if (form.piece == Piece::first) segment.resize(segment.size() / 8 * 8);
  return segment;
}

inline Bytes randomIpv4(Random& random, const Endpoints& endpoints, const PacketForm& form, const Bytes& segment) {
  Bytes header(20, 0);
  if (random.oneIn(3)) header.resize(20 + 4 * (1 + random.below(10)), 1);  // no-operations
  const uint16_t flags = form.piece == Piece::whole   ? static_cast<uint16_t>(random.oneIn(2) ? 0x4000 : 0)
                         : form.piece == Piece::first ? uint16_t{0x2000}
                                                      : static_cast<uint16_t>(1 + random.below(1000));
  header[0] = static_cast<uint8_t>(0x40 | header.size() / 4);
  header[1] = static_cast<uint8_t>(random.next());
  storeBe16(&header[2], static_cast<uint16_t>(header.size() + segment.size()));
  storeBe16(&header[4], static_cast<uint16_t>(random.next()));
  storeBe16(&header[6], flags);
  header[8] = static_cast<uint8_t>(1 + random.below(255));
  header[9] = static_cast<uint8_t>(form.protocol);
  std::copy_n(endpoints.source.address.bytes.data(), 4, &header[12]);
  std::copy_n(endpoints.destination.address.bytes.data(), 4, &header[16]);
  seal(header, 10);
  return header + segment;
}

inline Bytes randomIpv6(Random& random, const Endpoints& endpoints, const PacketForm& form, Bytes payload) {
  auto next = static_cast<uint8_t>(form.protocol);
  const auto prepend = [&](uint8_t number, Bytes header) {
    header[0] = next;
    payload = header + payload;
    next = number;
  };
  if (form.piece == Piece::first && random.oneIn(2)) prepend(60, {0, 0, 1, 4, 0, 0, 0, 0});
  if (form.piece != Piece::whole) {
    const uint32_t field = form.piece == Piece::first ? 1 : 8 * (1 + random.below(1000));
    Bytes header(8, 0);
    storeBe16(&header[2], static_cast<uint16_t>(field));
    storeBe32(&header[4], static_cast<uint32_t>(random.next()));
    prepend(44, header);
  }
  if (random.oneIn(4)) prepend(51, {0, 4, 0, 0, 0, 0, 0, 7, 0, 0, 0, 1, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9});
  if (random.oneIn(4)) prepend(43, {0, 0, 4, 0, 0, 0, 0, 0});
  if (random.oneIn(4)) prepend(0, {0, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
  return ipv6Packet(endpoints.source.address, endpoints.destination.address, next, payload,
                    static_cast<uint8_t>(random.next()));
}

inline Bytes randomPacket(Random& random, const Endpoints& endpoints, const PacketForm& form) {
  const Bytes segment = randomSegment(random, endpoints, form);
  return form.family == Family::ipv4 ? randomIpv4(random, endpoints, form, segment)
                                     : randomIpv6(random, endpoints, form, segment);
}

}  // namespace tunvs::testing
