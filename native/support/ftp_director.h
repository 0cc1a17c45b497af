// An FtpDirector is a director with a service of FTP and one server of it, 10.0.0.11, whose packets are rewritten, and
// the words of both sides of a control connection.
//
//   FtpDirector t;
//   t.begin(40000);
//   CHECK_EQ(t.server(1000, kPassive), "returned");       // t.text() is what the client gets
//
// Thread safety: none.
#pragma once

#include "packet/transport_checksum.h"
#include "support/nat_director.h"

namespace tunvs::testing {

inline const ServiceKey kFtp{IpAddress::v4(192, 0, 2, 10), 21, 6};
// The server names itself and its port 51210, and what the client gets of it.
inline constexpr std::string_view kPassive = "227 Entering Passive Mode (10,0,0,11,200,10).\r\n";
inline constexpr std::string_view kShown = "227 Entering Passive Mode (192,0,2,10,200,10).\r\n";
inline constexpr uint16_t kDataPort = 51210;

// Makes a segment with these numbers.
inline Bytes ftpSegment(const IpAddress& from, uint16_t source, const IpAddress& to, uint16_t destination,
                        uint32_t sequence, uint32_t acknowledged, std::string_view text) {
  Bytes packet =
      PacketBuilder().ip(from, to).tcp(source, destination, kTcpAck).payload(Bytes(text.begin(), text.end())).build();
  storeBe32(&packet[24], sequence);
  storeBe32(&packet[28], acknowledged);
  const auto transport = std::span(packet).subspan(20);
  seal(transport, 16, pseudoHeaderSum(from, to, 6, static_cast<uint32_t>(transport.size())));
  return packet;
}

struct FtpDirector : NatDirector {
  static inline const IpAddress kServer = IpAddress::v4(10, 0, 0, 11);

  explicit FtpDirector(const DirectorOptions& options = defaultOptions()) : NatDirector(options) { addServices(); }
  FtpDirector(const DirectorOptions& options, const Director::Memory& outside) : NatDirector(options, outside) {
    addServices();
  }
  void addServices() {
    addService("rr", kFtp);
    addNat(11, 21, kFtp);
  }
  // `first` is the number of the server's first byte.
  void begin(uint16_t clientPort, uint32_t first = 1000) {
    CHECK_EQ(handshake(clientPort, kFtp), "11");
    Bytes answer = PacketBuilder().ip(kServer, kClient).tcp(21, clientPort, kTcpSyn | kTcpAck).build();
    storeBe32(&answer[24], first - 1);
    CHECK_EQ(send(answer), "returned");
  }
  std::string server(uint32_t sequence, std::string_view text, uint16_t clientPort = 40000) {
    return send(ftpSegment(kServer, 21, kClient, clientPort, sequence, 500, text));
  }
  std::string client(uint32_t acknowledged, std::string_view text, uint16_t clientPort = 40000) {
    return send(ftpSegment(kClient, clientPort, kFtp.address, 21, 500, acknowledged, text));
  }
  // Sends the first packet of a data connection.
  std::string open(uint16_t clientPort, uint16_t dataPort = kDataPort, const IpAddress& from = kClient) {
    return send(PacketBuilder().ip(from, kFtp.address).tcp(clientPort, dataPort, kTcpSyn).build());
  }
  uint32_t sequence() const { return loadBe32(&sent[24]); }
  uint32_t acknowledged() const { return loadBe32(&sent[28]); }
  std::string text() const { return {sent.begin() + 40, sent.end()}; }
  bool isRightFromServer() const {
    return transportChecksumIsRight(kFtp.address, kClient, 6, std::span(sent).subspan(20)) &&
           loadBe16(&sent[2]) == sent.size() && naiveSum(&sent[0], 20) == 0xffff;
  }
  uint32_t expected() const { return director.ftp().expected.load(); }
};

}  // namespace tunvs::testing
