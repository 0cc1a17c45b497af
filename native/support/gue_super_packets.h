// Puts GUE headers in front of packets that are still to be cut, and says what comes of them on the wire.
#pragma once

#include <vector>

#include "packet/segmenter.h"
#include "support/super_packets.h"

namespace tunvs::testing {

struct GueOuter {
  bool isV6 = false;
  uint8_t trafficClass = 2;  // ECN among it: ECT(0)
  bool dontFragment = false;
  uint16_t identification = 0x1000;
  size_t gueBytes = 4;
  IpAddress source = IpAddress::v4(10, 1, 0, 1), destination = IpAddress::v4(10, 1, 0, 2);
};

// The outer UDP checksum is 0, and the segments are to have one each.
inline SuperPacket behindGue(SuperPacket inner, const GueOuter& is = {}) {
  const size_t ipBytes = is.isV6 ? 40 : 20;
  Bytes outer(ipBytes + 8 + is.gueBytes, 0);
  const size_t total = outer.size() + inner.bytes.size();
  if (is.isV6) {
    const uint8_t fixed[8] = {static_cast<uint8_t>(0x60 | is.trafficClass >> 4),
                              static_cast<uint8_t>(is.trafficClass << 4),
                              0x12,
                              0x34,
                              0,
                              0,
                              17,
                              63};
    std::memcpy(outer.data(), fixed, sizeof fixed);
    storeBe16(&outer[4], static_cast<uint16_t>(total - 40));
    std::memcpy(&outer[8], is.source.bytes.data(), 16);
    std::memcpy(&outer[24], is.destination.bytes.data(), 16);
  } else {
    const uint8_t fixed[12] = {
        0x45, is.trafficClass, 0, 0, 0, 0, static_cast<uint8_t>(is.dontFragment ? 0x40 : 0), 0, 63, 17, 0, 0};
    std::memcpy(outer.data(), fixed, sizeof fixed);
    storeBe16(&outer[2], static_cast<uint16_t>(total));
    storeBe16(&outer[4], is.identification);
    std::memcpy(&outer[12], is.source.bytes.data(), 4);
    std::memcpy(&outer[16], is.destination.bytes.data(), 4);
    const Be16 check = checksum(outer.data(), 20);
    std::memcpy(&outer[10], &check.raw, 2);
  }
  uint8_t* const udp = &outer[ipBytes];
  storeBe16(udp, 40123);
  storeBe16(udp + 2, 6080);
  storeBe16(udp + 4, static_cast<uint16_t>(total - ipBytes));
  udp[8] = static_cast<uint8_t>((is.gueBytes - 4) / 4);
  udp[9] = inner.bytes[0] >> 4 == 6 ? 41 : 4;
  for (size_t i = 12; i < 8 + is.gueBytes; i++) udp[i] = static_cast<uint8_t>(i);
  inner.offload = inner.offload.behind(static_cast<uint32_t>(outer.size()));
  inner.outerBytes = outer.size();
  inner.sealsOuter = true;
  inner.bytes.insert(inner.bytes.begin(), outer.begin(), outer.end());
  return inner;
}

// Returns the segments, one by one.
inline std::vector<Bytes> segmentsOf(SuperPacket& whole) {
  std::vector<Bytes> all;
  Segmenter segments(whole.output());
  while (!segments.isDone()) {
    Bytes room(segments.longestBytes());
    room.resize(segments.next(room));
    all.push_back(std::move(room));
  }
  return all;
}

// The packets that are sent in trains or one by one, for tests which compare both.
struct TrainRow {
  const char* is;
  SuperPacket inner;
  GueOuter outer = {};
};

inline GueOuter gueOuter6() { return {.isV6 = true, .source = address("fd00::1"), .destination = address("fd00::2")}; }

inline std::vector<TrainRow> trainRows() {
  constexpr uint8_t kAllFlags = 0x99;  // CWR, ACK, PSH, FIN
  return {
      {"CWR in the first segment, FIN and PSH in the last", tcp4(20000, 1400, kAllFlags)},
      {"all segments of one length", tcp4(7 * 1400, 1400)},
      {"a last segment of one byte", tcp4(3 * 1400 + 1, 1400)},
      {"one segment alone", tcp4(1000, 1400)},
      {"more than one train takes, with its GUE headers", tcp4(65000, 1400)},
      {"more than 64 segments", tcp4(30000, 300)},
      {"a last train of one datagram", tcp4(64 * 300 + 100, 300)},
      {"no ECN", tcp4(9000, 1400), {.trafficClass = 0}},
      {"congestion experienced, and a DSCP", tcp4(9000, 1400), {.trafficClass = 0xbb}},
      {"identifications that go around", tcp4(9000, 1000), {.identification = 0xfffe}},
      {"GUE options", tcp4(9000, 1300), {.gueBytes = 12}},
      {"UDP", udp4(9000, 1200)},
      {"IPv6 in IPv4", tcp6(9000, 1300, 0)},
      {"IPv4 in IPv6", tcp4(9000, 1300, kAllFlags), gueOuter6()},
      {"IPv6 with extension headers in IPv6", tcp6(9000, 1300, 1, kAllFlags), gueOuter6()},
  };
}

}  // namespace tunvs::testing
