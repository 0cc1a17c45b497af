#include "io/pcap/pcap_format.h"

#include <string>

#include "core/inet.h"

namespace tunvs {
namespace {

constexpr uint32_t kMicrosecondMagic = 0xa1b2c3d4;
constexpr uint32_t kNanosecondMagic = 0xa1b23c4d;
constexpr uint32_t kModifiedMagic = 0xa1b2cd34;  // Kuznetzov's patch of 1999: longer record headers
constexpr uint32_t kPcapngMagic = 0x0a0d0d0a;    // the same in both byte orders

constexpr uint16_t kEtherTypeIpv4 = 0x0800;
constexpr uint16_t kEtherTypeIpv6 = 0x86dd;

bool isVlanTag(uint16_t etherType) { return etherType == 0x8100 || etherType == 0x88a8 || etherType == 0x9100; }

bool isKnown(uint32_t linkType) {
  switch (static_cast<PcapLinkType>(linkType)) {
    case PcapLinkType::ethernet:
    case PcapLinkType::rawBsd:
    case PcapLinkType::rawOpenBsd:
    case PcapLinkType::raw:
    case PcapLinkType::linuxCooked:
    case PcapLinkType::ipv4:
    case PcapLinkType::ipv6:
    case PcapLinkType::linuxCooked2: return true;
  }
  return false;
}

// Returns what follows a link header of `headerBytes` that names its content by the EtherType at `typeAt`. VLAN tags
// are skipped; a frame may have several.
std::span<const uint8_t> behindEtherType(std::span<const uint8_t> frame, size_t typeAt, size_t headerBytes) {
  if (frame.size() < headerBytes) return {};
  uint16_t etherType = loadBe16(frame.data() + typeAt);
  frame = frame.subspan(headerBytes);
  while (isVlanTag(etherType) && frame.size() >= 4) {
    etherType = loadBe16(frame.data() + 2);
    frame = frame.subspan(4);
  }
  return etherType == kEtherTypeIpv4 || etherType == kEtherTypeIpv6 ? frame : std::span<const uint8_t>{};
}

// Cuts off the padding that brings short Ethernet frames to 60 bytes, as a router does before it routes. A length that
// can't be true is left for the director to find.
std::span<const uint8_t> withoutPadding(std::span<const uint8_t> packet) {
  size_t length = packet.size();
  if (packet.size() >= 20 && packet[0] >> 4 == 4) {
    const size_t said = loadBe16(packet.data() + 2);
    if (said >= 20) length = said;
  } else if (packet.size() >= 40 && packet[0] >> 4 == 6) {
    const size_t said = loadBe16(packet.data() + 4);
    if (said > 0) length = 40 + said;  // 0: a jumbogram, or nothing behind the header
  }
  return packet.first(std::min(length, packet.size()));
}

bool isIp(std::span<const uint8_t> packet) { return !packet.empty() && (packet[0] >> 4 == 4 || packet[0] >> 4 == 6); }

template <typename T>
void append(std::vector<uint8_t>& to, T value) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(&value);
  to.insert(to.end(), bytes, bytes + sizeof value);
}

}  // namespace

std::span<const uint8_t> ipPacketOf(PcapLinkType linkType, std::span<const uint8_t> frame) {
  std::span<const uint8_t> packet;
  switch (linkType) {
    case PcapLinkType::ethernet: packet = withoutPadding(behindEtherType(frame, 12, 14)); break;
    case PcapLinkType::linuxCooked: packet = withoutPadding(behindEtherType(frame, 14, 16)); break;
    case PcapLinkType::linuxCooked2: packet = withoutPadding(behindEtherType(frame, 0, 20)); break;
    case PcapLinkType::rawBsd:
    case PcapLinkType::rawOpenBsd:
    case PcapLinkType::raw:
    case PcapLinkType::ipv4:
    case PcapLinkType::ipv6: packet = frame; break;
  }
  return isIp(packet) ? packet : std::span<const uint8_t>{};
}

Result<PcapParser> PcapParser::start(std::span<const uint8_t> header) {
  const auto refuse = [](std::string why) { return Error::make(ErrorCode::invalidArgument, std::move(why)); };
  if (header.size() < 4) return refuse("it is not a pcap file (24 bytes or more): capture with tcpdump -w FILE");
  const auto magic = loadUnaligned<uint32_t>(header.data());
  const uint32_t swapped = __builtin_bswap32(magic);
  if (magic == kPcapngMagic) return refuse("it is a pcapng file: convert it (editcap -F pcap IN OUT)");
  if (loadBe16(header.data()) == 0x1f8b) return refuse("it is compressed: unpack it (gunzip)");
  if (magic == kModifiedMagic || swapped == kModifiedMagic) {
    return refuse("it is a \"modified\" pcap file: convert it (editcap -F pcap IN OUT)");
  }
  const bool isSwapped = swapped == kMicrosecondMagic || swapped == kNanosecondMagic;
  const uint32_t native = isSwapped ? swapped : magic;
  if (native != kMicrosecondMagic && native != kNanosecondMagic) {
    return refuse("it is not a pcap file, which begins with a magic number: capture with tcpdump -w FILE");
  }
  if (header.size() < kPcapFileHeaderBytes)
    return refuse("it is cut off within the pcap file header: capture again with tcpdump -w FILE");

  PcapParser parser(PcapLinkType::raw, isSwapped, native == kNanosecondMagic);
  const auto version = loadUnaligned<uint16_t>(header.data() + 4);
  const uint16_t major = isSwapped ? __builtin_bswap16(version) : version;
  if (major != 2)
    return refuse("its pcap version " + std::to_string(major) + " is not 2: convert it (editcap -F pcap IN OUT)");
  const uint32_t linkType =
      parser.load32(header.data() + 20) & 0x03ffffff;  // the bits above hold the length of the frame check sequence
  if (!isKnown(linkType)) {
    return refuse(
        "its link type " + std::to_string(linkType) +
        " is not one of RAW, IPV4, IPV6, EN10MB, LINUX_SLL, LINUX_SLL2: capture on an Ethernet, TUN or \"any\" device");
  }
  parser.linkType_ = static_cast<PcapLinkType>(linkType);
  return parser;
}

uint32_t PcapParser::load32(const uint8_t* from) const {
  const auto value = loadUnaligned<uint32_t>(from);
  return isSwapped_ ? __builtin_bswap32(value) : value;
}

Result<PcapParser::Step> PcapParser::next(std::span<const uint8_t> bytes) {
  Step step;
  step.needed = kPcapRecordHeaderBytes;
  if (bytes.size() < step.needed) return step;
  const uint32_t seconds = load32(bytes.data());
  const uint32_t fraction = load32(bytes.data() + 4);
  const uint32_t captured = load32(bytes.data() + 8);
  const uint32_t original = load32(bytes.data() + 12);
  if (captured > kMaxPcapRecordBytes) {
    return Error::make(ErrorCode::invalidArgument, "record " + std::to_string(packets_ + skipped_.total() + 1) +
                                                       " says it holds " + std::to_string(captured) +
                                                       " bytes, so the file is damaged from there on: capture again");
  }
  step.needed += captured;
  if (bytes.size() < step.needed) return step;

  step.consumed = step.needed;
  const auto packet = ipPacketOf(linkType_, bytes.subspan(kPcapRecordHeaderBytes, captured));
  if (captured < original) {
    skipped_.truncated++;
  } else if (packet.empty()) {
    skipped_.notIp++;
  } else if (packet.size() > 65535) {
    skipped_.oversized++;
  } else {
    packets_++;
    step.packet =
        PcapPacket{uint64_t{seconds} * 1'000'000'000 + uint64_t{fraction} * (isNanosecond_ ? 1 : 1000), packet};
  }
  return step;
}

void appendPcapHeader(std::vector<uint8_t>& to) {
  append(to, kMicrosecondMagic);
  append(to, uint16_t{2});
  append(to, uint16_t{4});
  append(to, uint64_t{0});  // time zone and accuracy, both unused
  append(to, uint32_t{kMaxPcapRecordBytes});
  append(to, static_cast<uint32_t>(PcapLinkType::raw));
}

void appendPcapRecord(std::vector<uint8_t>& to, const PcapPacket& packet) {
  assert(packet.bytes.size() <= kMaxPcapRecordBytes);
  append(to, static_cast<uint32_t>(packet.timeNs / 1'000'000'000));
  append(to, static_cast<uint32_t>(packet.timeNs % 1'000'000'000 / 1000));
  append(to, static_cast<uint32_t>(packet.bytes.size()));
  append(to, static_cast<uint32_t>(packet.bytes.size()));
  to.insert(to.end(), packet.bytes.begin(), packet.bytes.end());
}

}  // namespace tunvs
