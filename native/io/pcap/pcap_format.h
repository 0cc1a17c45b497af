// The classic pcap format as pure functions over bytes: they turn headers and records into IP packets, and back.
//
// Thread safety: none needed; a parser belongs to one reader.
// Invariants of PcapParser:
//  1. It keeps no bytes: what it returns points into what it was given.
//  2. packets() + skipped() is the number of records passed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/result.h"

namespace tunvs {

inline constexpr size_t kPcapFileHeaderBytes = 24;
inline constexpr size_t kPcapRecordHeaderBytes = 16;
inline constexpr size_t kMaxPcapRecordBytes = 262144;  // what libpcap calls the largest snapshot length

// In these link types (tcpdump.org/linktypes.html) we can find IP packets.
enum class PcapLinkType : uint32_t {
  ethernet = 1,
  rawBsd = 12,      // DLT_RAW's own number on most systems
  rawOpenBsd = 14,  // and on OpenBSD
  raw = 101,
  linuxCooked = 113,
  ipv4 = 228,
  ipv6 = 229,
  linuxCooked2 = 276,
};

struct PcapPacket {
  uint64_t timeNs = 0;               // since the epoch
  std::span<const uint8_t> bytes{};  // IP header first
};

// A record is skipped for one of these reasons.
struct PcapSkipped {
  uint64_t notIp = 0;      // ARP, LLDP, a link header cut short, an IP version that is neither 4 nor 6
  uint64_t truncated = 0;  // captured with a snapshot length shorter than the packet
  uint64_t oversized = 0;  // longer than an IP packet can be

  uint64_t total() const { return notIp + truncated + oversized; }
};

// Returns the IP packet within a link-layer frame; empty when there is none. Ethernet's padding behind it is cut off.
std::span<const uint8_t> ipPacketOf(PcapLinkType linkType, std::span<const uint8_t> frame);

class PcapParser {
 public:
  // `header` is the file's first kPcapFileHeaderBytes, or all of a shorter file.
  static Result<PcapParser> start(std::span<const uint8_t> header);

  PcapLinkType linkType() const { return linkType_; }
  bool isNanosecond() const { return isNanosecond_; }

  struct Step {
    size_t consumed = 0;  // bytes of the input that are done with; 0: more input is wanted first, `needed` bytes in all
    size_t needed = 0;    // [kPcapRecordHeaderBytes, kPcapRecordHeaderBytes + kMaxPcapRecordBytes]
    std::optional<PcapPacket> packet;  // none when more is needed or the record was skipped and counted
  };
  // Reads the record at the front of `bytes`. If its header can't be true, it returns an Error, as nothing behind it
  // can be trusted.
  Result<Step> next(std::span<const uint8_t> bytes);

  uint64_t packets() const { return packets_; }
  const PcapSkipped& skipped() const { return skipped_; }

 private:
  PcapParser(PcapLinkType linkType, bool isSwapped, bool isNanosecond)
      : linkType_(linkType), isSwapped_(isSwapped), isNanosecond_(isNanosecond) {}
  uint32_t load32(const uint8_t* from) const;

  PcapLinkType linkType_;
  bool isSwapped_;
  bool isNanosecond_;
  uint64_t packets_ = 0;
  PcapSkipped skipped_;
};

// Writes link type RAW, microseconds, this machine's byte order.
void appendPcapHeader(std::vector<uint8_t>& to);
// Cuts the time to whole microseconds. REQUIRES: packet.bytes.size() <= kMaxPcapRecordBytes
void appendPcapRecord(std::vector<uint8_t>& to, const PcapPacket& packet);

}  // namespace tunvs
