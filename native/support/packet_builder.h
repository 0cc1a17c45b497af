// Builds the packets that tests send, written as the packet reads:
//
//   PacketBuilder().ip("198.51.100.7", "192.0.2.10").ttl(63).tcp(40000, 80, kTcpSyn).payload(100).build()
//
// Lengths and checksums are right unless the test says otherwise. The calls that make them wrong (totalLength(),
// headerWords(), version(), wrongChecksum()) come last, and nothing corrects them.
//
// Thread safety: none.
#pragma once

#include <cstdlib>
#include <initializer_list>
#include <memory>
#include <optional>
#include <vector>

#include "packet/checksum.h"
#include "packet/packet_vector.h"
#include "packet/parse.h"

namespace tunvs::testing {

using Bytes = std::vector<uint8_t>;

// Reads an address that a test wrote itself, and aborts when it is none.
inline IpAddress address(std::string_view text) {
  const auto parsed = parseIpAddress(text);
  if (!parsed) std::abort();
  return parsed.value();
}

class PacketBuilder {
 public:
  PacketBuilder& ip(const IpAddress& source, const IpAddress& destination) {
    source_ = source;
    destination_ = destination;
    return *this;
  }
  PacketBuilder& ip(std::string_view source, std::string_view destination) {
    return ip(address(source), address(destination));
  }
  PacketBuilder& tos(uint8_t value) { return set(tos_, value); }
  PacketBuilder& ttl(uint8_t value) { return set(ttl_, value); }
  PacketBuilder& identification(uint16_t value) { return set(identification_, value); }
  PacketBuilder& dontFragment() { return set(fragment_, static_cast<uint16_t>(fragment_ | kIpv4DontFragment)); }
  PacketBuilder& moreFragments() { return set(fragment_, static_cast<uint16_t>(fragment_ | kIpv4MoreFragments)); }
  // REQUIRES: `bytes` is a multiple of 8
  PacketBuilder& fragmentOffset(uint16_t bytes) { return set(fragment_, static_cast<uint16_t>(fragment_ | bytes / 8)); }
  // Pads the options with zeros (end of options) to whole words. REQUIRES: at most 40 bytes
  PacketBuilder& options(std::initializer_list<uint8_t> bytes) {
    options_.assign(bytes);
    options_.resize((options_.size() + 3) / 4 * 4);
    return *this;
  }

  PacketBuilder& tcp(uint16_t sourcePort, uint16_t destinationPort, uint8_t flags) {
    protocol_ = IpProtocol::tcp;
    transport_.assign(20, 0);
    storeBe16(&transport_[0], sourcePort);
    storeBe16(&transport_[2], destinationPort);
    storeBe32(&transport_[4], (flags & kTcpSyn) != 0 ? 1000 : 1001);
    transport_[12] = 0x50;
    transport_[13] = flags;
    storeBe16(&transport_[14], 65535);
    return *this;
  }
  PacketBuilder& udp(uint16_t sourcePort, uint16_t destinationPort) {
    protocol_ = IpProtocol::udp;
    transport_.assign(8, 0);
    storeBe16(&transport_[0], sourcePort);
    storeBe16(&transport_[2], destinationPort);
    return *this;
  }
  // Adds one chunk, which is empty; the checksum is left 0.
  PacketBuilder& sctp(uint16_t sourcePort, uint16_t destinationPort, uint8_t chunkType) {
    protocol_ = IpProtocol::sctp;
    transport_.assign(16, 0);
    storeBe16(&transport_[0], sourcePort);
    storeBe16(&transport_[2], destinationPort);
    transport_[12] = chunkType;
    storeBe16(&transport_[14], 4);
    return *this;
  }
  // Leaves the transport header out: the payload follows the IP header.
  PacketBuilder& protocol(IpProtocol value) {
    transport_.clear();
    return set(protocol_, value);
  }
  // Cuts the transport header itself; the IP packet stays consistent.
  PacketBuilder& shortTransport(size_t bytes) {
    transport_.resize(bytes);
    return *this;
  }
  PacketBuilder& payload(size_t bytes) {
    payload_.resize(bytes);
    for (size_t i = 0; i < bytes; i++) payload_[i] = static_cast<uint8_t>(i * 7 + 1);
    return *this;
  }
  PacketBuilder& payload(Bytes bytes) { return set(payload_, std::move(bytes)); }
  // Adds bytes behind the end of the IP packet, as Ethernet pads short frames.
  PacketBuilder& trailer(size_t bytes) { return set(trailerBytes_, bytes); }

  PacketBuilder& version(uint8_t value) { return set(version_, value); }
  PacketBuilder& headerWords(uint8_t value) { return set(headerWords_, std::optional(value)); }
  PacketBuilder& totalLength(uint16_t bytes) { return set(totalLength_, std::optional(bytes)); }
  PacketBuilder& wrongChecksum() { return set(isChecksumWrong_, true); }

  Bytes build() const {
    const size_t headerBytes = kIpv4HeaderBytes + options_.size();
    const size_t total = headerBytes + transport_.size() + payload_.size();
    Bytes packet(headerBytes);
    packet[0] = static_cast<uint8_t>(version_ << 4 | headerWords_.value_or(static_cast<uint8_t>(headerBytes / 4)));
    packet[1] = tos_;
    storeBe16(&packet[2], totalLength_.value_or(static_cast<uint16_t>(total)));
    storeBe16(&packet[4], identification_);
    storeBe16(&packet[6], fragment_);
    packet[8] = ttl_;
    packet[9] = static_cast<uint8_t>(protocol_);
    std::memcpy(&packet[12], source_.bytes.data(), 4);
    std::memcpy(&packet[16], destination_.bytes.data(), 4);
    std::copy(options_.begin(), options_.end(), packet.begin() + kIpv4HeaderBytes);
    const Be16 headerCheck = checksum(packet.data(), headerBytes);
    std::memcpy(&packet[10], &headerCheck.raw, 2);
    if (isChecksumWrong_) packet[10] ^= 0x01;

    packet.insert(packet.end(), transport_.begin(), transport_.end());
    packet.insert(packet.end(), payload_.begin(), payload_.end());
    sealTransport(packet.data() + headerBytes, total - headerBytes);
    packet.resize(packet.size() + trailerBytes_, 0xee);
    return packet;
  }

 private:
  template <typename T>
  PacketBuilder& set(T& field, T value) {
    field = std::move(value);
    return *this;
  }

  void sealTransport(uint8_t* transport, size_t bytes) const {
    size_t field;
    if (protocol_ == IpProtocol::tcp && transport_.size() == 20) {
      field = 16;
    } else if (protocol_ == IpProtocol::udp && transport_.size() == 8) {
      field = 6;
      storeBe16(transport + 4, static_cast<uint16_t>(bytes));
    } else {
      return;
    }
    const uint64_t pseudo =
        pseudoHeaderSum(source_, destination_, static_cast<uint8_t>(protocol_), static_cast<uint32_t>(bytes));
    const Be16 check = checksum(transport, bytes, pseudo);
    std::memcpy(transport + field, &check.raw, 2);
  }

  IpAddress source_ = IpAddress::v4(198, 51, 100, 7);
  IpAddress destination_ = IpAddress::v4(192, 0, 2, 10);
  uint8_t version_ = 4;
  uint8_t tos_ = 0;
  uint8_t ttl_ = 64;
  uint16_t identification_ = 0x1234;
  uint16_t fragment_ = 0;
  IpProtocol protocol_ = IpProtocol::udp;
  Bytes options_, transport_, payload_;
  size_t trailerBytes_ = 0;
  std::optional<uint8_t> headerWords_;
  std::optional<uint16_t> totalLength_;
  bool isChecksumWrong_ = false;
};

// Holds a packet in a heap block of its own that ends with the packet, so that a sanitizer sees every read beyond it.
class HeldPacket {
 public:
  explicit HeldPacket(const Bytes& bytes)
      : storage_(std::make_unique<uint8_t[]>(kHeadroom + bytes.size())), length_(bytes.size()) {
    std::copy(bytes.begin(), bytes.end(), storage_.get() + kHeadroom);
  }
  Packet packet() { return {storage_.get() + kHeadroom, static_cast<uint32_t>(length_)}; }

 private:
  std::unique_ptr<uint8_t[]> storage_;
  size_t length_;
};

// Returns the sum of RFC 1071 as its definition reads, for comparing: 16-bit words, big endian, an odd byte padded.
inline uint16_t naiveSum(const uint8_t* data, size_t bytes, uint32_t initial = 0) {
  uint32_t sum = initial;
  for (size_t i = 0; i < bytes; i += 2) {
    sum += static_cast<uint32_t>(data[i]) << 8 | (i + 1 < bytes ? data[i + 1] : 0);
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return static_cast<uint16_t>(sum);
}

}  // namespace tunvs::testing
