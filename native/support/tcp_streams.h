// Makes batches of TCP segments as they come out of a tunnel: a few flows that interleave, most segments right behind
// the one before, some with one thing about them that is different, and some that were spoiled on the way.
//
// `Choices` has below(limit), as Random: the choices of a seed, or those that a fuzzer's bytes say.
#pragma once

#include <array>
#include <span>

#include "packet/checksum.h"
#include "support/raw_bytes.h"

namespace tunvs::testing {

struct TcpStream {
  bool isV4 = true;
  bool dontFragment = true;
  uint16_t port = 1000;
  size_t optionBytes = 12;  // a multiple of 4, [0, 40]
  size_t segmentBytes = 1000;
  uint16_t identification = 65500;
  uint32_t sequence = 0xfffff000;
  uint32_t acknowledged = 77;

  // Makes the next segment, and moves behind it.
  Bytes next(size_t payload, uint8_t flags = kTcpAck) {
    const size_t transport = isV4 ? 20 : 40, headers = transport + 20 + optionBytes;
    Bytes bytes(headers + payload, 0);
    for (size_t i = headers; i < bytes.size(); i++) bytes[i] = static_cast<uint8_t>((sequence + i) * 7);
    const IpAddress from = address(isV4 ? "198.51.100.7" : "2001:db8:1::7");
    const IpAddress to = address(isV4 ? "192.0.2.10" : "2001:db8::10");
    const size_t addressBytes = isV4 ? 4 : 16, addressAt = transport - 2 * addressBytes;
    std::copy_n(from.bytes.begin(), addressBytes, &bytes[addressAt]);
    std::copy_n(to.bytes.begin(), addressBytes, &bytes[addressAt + addressBytes]);
    if (isV4) {
      bytes[0] = 0x45;
      storeBe16(&bytes[2], static_cast<uint16_t>(bytes.size()));
      storeBe16(&bytes[4], identification);
      bytes[6] = dontFragment ? 0x40 : 0;
      bytes[8] = 63;
      bytes[9] = 6;
    } else {
      bytes[0] = 0x60;
      storeBe16(&bytes[4], static_cast<uint16_t>(bytes.size() - 40));
      bytes[6] = 6;
      bytes[7] = 63;
    }
    uint8_t* const tcp = &bytes[transport];
    storeBe16(tcp, port);
    storeBe16(tcp + 2, 80);
    storeBe32(tcp + 4, sequence);
    storeBe32(tcp + 8, acknowledged);
    tcp[12] = static_cast<uint8_t>((20 + optionBytes) / 4 << 4);
    tcp[13] = flags;
    storeBe16(tcp + 14, 501);
    std::fill_n(tcp + 20, optionBytes, uint8_t{1});
    sealTcp(bytes);
    sequence += static_cast<uint32_t>(payload);
    identification++;
    return bytes;
  }

  // Makes the checksums right again. REQUIRES: the IP header has no options
  static void sealTcp(Bytes& bytes) {
    const bool isV4 = bytes[0] >> 4 == 4;
    const size_t transport = isV4 ? 20 : 40, covered = bytes.size() - transport;
    if (isV4) {
      storeBe16(&bytes[10], 0);
      storeBe16(&bytes[10], static_cast<uint16_t>(~naiveSum(bytes.data(), 20)));
    }
    const uint32_t pseudo = naiveSum(&bytes[isV4 ? 12 : 8], isV4 ? 8 : 32) + 6 + static_cast<uint32_t>(covered);
    storeBe16(&bytes[transport + 16], 0);
    storeBe16(&bytes[transport + 16], static_cast<uint16_t>(~naiveSum(&bytes[transport], covered, pseudo)));
  }
};

template <typename Choices>
std::vector<Bytes> makeTcpBatch(Choices& choices, size_t packets) {
  std::array<TcpStream, 12> streams;
  const uint32_t flows = 1 + choices.below(streams.size());
  for (uint32_t i = 0; i < flows; i++) {
    TcpStream& stream = streams[i];
    stream.isV4 = choices.below(4) != 0;
    stream.dontFragment = choices.below(2) != 0;
    stream.port = static_cast<uint16_t>(1000 + i);
    stream.optionBytes = choices.below(3) * 12;
    stream.segmentBytes = 1 + choices.below(choices.below(4) == 0 ? 60 : 1500);
  }
  constexpr uint8_t kFlags[] = {kTcpFin, 0x08, 0x40, 0x80, kTcpSyn, kTcpRst, 0x20, 0x88};
  std::vector<Bytes> made;
  while (made.size() < packets) {
    TcpStream& stream = streams[choices.below(flows)];
    for (uint32_t run = 1 + choices.below(12); run > 0 && made.size() < packets; run--) {
      const TcpStream before = stream;
      const uint32_t odd = choices.below(40);
      const uint8_t flags = odd == 1 ? static_cast<uint8_t>(kTcpAck | kFlags[choices.below(8)]) : kTcpAck;
      Bytes bytes = stream.next(odd == 2 ? choices.below(1600) : stream.segmentBytes, flags);
      const size_t headers = (stream.isV4 ? 40 : 60) + stream.optionBytes;
      const size_t at = choices.below(odd <= 4 ? static_cast<uint32_t>(headers) : 1);
      const auto bit = static_cast<uint8_t>(1 << choices.below(odd <= 5 ? 8 : 1));
      if (odd == 3) stream = before;
      if (odd == 4 && at != 0) {
        bytes[at] ^= bit;
        TcpStream::sealTcp(bytes);
      }
      if (odd == 5) bytes[choices.below(static_cast<uint32_t>(bytes.size()))] ^= bit;
      if (odd == 6) bytes.resize(choices.below(static_cast<uint32_t>(bytes.size())) + 1);
      made.push_back(std::move(bytes));
    }
  }
  return made;
}

}  // namespace tunvs::testing
