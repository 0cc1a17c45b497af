// FTP through LVS/NAT: what control connections announce, how their sequence numbers move, and what becomes of the
// entries of data connections.
#include "support/ftp_director.h"

namespace tunvs::nat_ftp_test {
namespace {

using testing::Bytes;
using testing::Counts;
using testing::exchanged;
using testing::ftpSegment;
using testing::kDataPort;
using testing::kFtp;
using testing::kPassive;
using testing::kShown;
using testing::PacketBuilder;

const IpAddress kClient = testing::NatDirector::kClient, kServer = testing::FtpDirector::kServer;

struct Ftp : testing::FtpDirector {
  explicit Ftp(const DirectorOptions& options = defaultOptions()) : FtpDirector(options) { begin(40000); }
};

TEST("a passive reply shows the virtual address, and the client's data connection goes to its server") {
  Ftp t;
  CHECK_EQ(t.server(1000, kPassive), "returned");
  CHECK_EQ(t.text(), kShown);
  CHECK(t.isRightFromServer());
  CHECK_EQ(t.expected(), 1u);
  CHECK_EQ(testing::brokenNatLaw(t.director), "");
  CHECK_EQ(t.open(50000, kDataPort, IpAddress::v4(198, 51, 100, 8)), "dropNotScheduled");
  CHECK_EQ(t.open(50000, kDataPort + 1), "dropNotScheduled");
  CHECK_EQ(t.open(50000), "11");
  CHECK_EQ(t.sentTo(), "10.0.0.11:51210");
  CHECK_EQ(t.expected(), 0u);
  CHECK_EQ(t.send(exchanged(t.sent)), "returned");
  CHECK_EQ(t.sentFrom(), "192.0.2.10:51210");
  CHECK_EQ(t.open(50001), "dropNotScheduled");
  CHECK_EQ(t.counts(11, kFtp), (Counts{2, 0}));
  CHECK_EQ(t.row(11, kFtp).traffic.connections, 1u);
}

TEST("sequence numbers move with each replaced reply, and acknowledgements back") {
  Ftp t;
  uint32_t at = 1000, moved = 0;
  for (int i = 0; i < 5; i++) {
    CHECK_EQ(t.server(at, kPassive), "returned");
    CHECK_EQ(t.sequence(), at + moved);
    CHECK_EQ(t.text(), kShown);
    at += static_cast<uint32_t>(kPassive.size());
    moved++;
    CHECK_EQ(t.server(at, "150 Here it comes.\r\n"), "returned");
    CHECK_EQ(t.sequence(), at + moved);
    CHECK(t.isRightFromServer());
    at += 20;
    CHECK_EQ(t.client(at + moved, "NOOP\r\n"), "11");
    CHECK_EQ(t.acknowledged(), at);
    CHECK(transportChecksumIsRight(kClient, kServer, 6, std::span(t.sent).subspan(20)));
  }
}

TEST("what is sent again leaves as it did before, whatever came in between") {
  Ftp t;
  CHECK_EQ(t.server(986, "220 Welcome.\r\n"), "returned");
  CHECK_EQ(t.server(1000, kPassive), "returned");
  const Bytes first = t.sent;
  const auto next = 1000 + static_cast<uint32_t>(kPassive.size());
  CHECK_EQ(t.server(next, "150 Here it comes.\r\n"), "returned");
  const Bytes second = t.sent;
  for (int i = 0; i < 2; i++) {
    CHECK_EQ(t.server(1000, kPassive), "returned");
    CHECK(t.sent == first);
    CHECK_EQ(t.server(next, "150 Here it comes.\r\n"), "returned");
    CHECK(t.sent == second);
    CHECK_EQ(t.server(986, "220 Welcome.\r\n"), "returned");
    CHECK_EQ(t.sequence(), 986u);
  }
  CHECK_EQ(t.expected(), 1u);
  // The client acknowledges what it got before, and then all.
  CHECK_EQ(t.client(1000, ""), "11");
  CHECK_EQ(t.acknowledged(), 1000u);
  CHECK_EQ(t.client(next + 1, ""), "11");
  CHECK_EQ(t.acknowledged(), next);
}

TEST("a passive reply in two segments announces nothing, and nothing moves") {
  Ftp t;
  CHECK_EQ(t.server(1000, kPassive.substr(0, 30)), "returned");
  CHECK_EQ(t.text(), kPassive.substr(0, 30));
  CHECK_EQ(t.server(1030, kPassive.substr(30)), "returned");
  CHECK_EQ(t.sequence(), 1030u);
  CHECK_EQ(t.expected(), 0u);
  CHECK_EQ(t.open(50000), "dropNotScheduled");
}

// A client has the server repeat its words, and chooses how long segments are.
TEST("only what stands on a line of its own is a reply, wherever a segment begins") {
  Ftp t;
  for (const std::string_view said : {kPassive, std::string_view("229 Extended (|||51210|)\r\n")}) {
    CHECK_EQ(t.server(1000, "500 Unknown command: xxxx"), "returned");
    CHECK_EQ(t.server(1025, said), "returned");
    CHECK_EQ(t.text(), said);
    CHECK_EQ(t.server(1025, said), "returned");
    CHECK_EQ(t.expected(), 0u);
  }
  // A line behind another in one segment is one, as is the next.
  const std::string both = "200 Hello.\r\n" + std::string(kPassive);
  CHECK_EQ(t.server(2000, both), "returned");
  CHECK_EQ(t.text(), "200 Hello.\r\n" + std::string(kShown));
  CHECK_EQ(t.server(2000 + static_cast<uint32_t>(both.size()), "229 Extended (|||51211|)\r\n"), "returned");
  CHECK_EQ(t.expected(), 2u);
}

TEST("a server that names the virtual address means itself") {
  Ftp t;
  CHECK_EQ(t.server(1000, kShown), "returned");
  CHECK_EQ(t.text(), kShown);
  CHECK_EQ(t.open(50000), "11");
  CHECK_EQ(t.sentTo(), "10.0.0.11:51210");
}

TEST("a client is told of errors about the server's words by its own numbers, and the server by its own") {
  Ftp t;
  CHECK_EQ(t.server(1000, kPassive), "returned");
  CHECK_EQ(t.server(1000 + static_cast<uint32_t>(kPassive.size()), "150 Here it comes.\r\n"), "returned");
  const Bytes quoted = testing::firstOf(t.sent, 28);
  const IpAddress router = IpAddress::v4(203, 0, 113, 9);
  CHECK_EQ(t.send(testing::icmpPacket(router, kFtp.address, 3, 4, 1300, quoted)), "relayedIcmp");
  CHECK_EQ(loadBe32(&t.sent[28 + 24]), 1000 + static_cast<uint32_t>(kPassive.size()));
  CHECK_EQ(int{checksum(&t.sent[20], t.sent.size() - 20).raw}, 0);
}

TEST("fragments of a control connection, in which numbers would have to move, are dropped") {
  Ftp t;
  CHECK_EQ(t.server(1000, kPassive), "returned");
  Bytes packet = ftpSegment(kServer, 21, kClient, 40000, 2000, 500, "150 Here it comes.\r\n  ");
  storeBe16(&packet[6], 0x2000);
  testing::seal(std::span(packet).first(20), 10);
  CHECK_EQ(t.send(packet), "dropFragment");
}

TEST("an extended passive reply announces the server's own address") {
  Ftp t;
  CHECK_EQ(t.server(1000, "229 Entering Extended Passive Mode (|||51210|)\r\n"), "returned");
  CHECK_EQ(t.sequence(), 1000u);
  CHECK_EQ(t.open(50000), "11");
  CHECK_EQ(t.sentTo(), "10.0.0.11:51210");
}

TEST("a client may announce its own address alone, and the server's data connection comes from the virtual one") {
  Ftp t;
  const auto fromServer = [&](uint16_t port) {
    return t.send(PacketBuilder().ip(kServer, kClient).tcp(20, port, kTcpSyn).build());
  };
  CHECK_EQ(t.client(1000, "PORT 198,51,100,8,195,80\r\n"), "11");
  CHECK_EQ(t.client(1000, "EPRT |1|198.51.100.8|50000|\r\n"), "11");
  CHECK_EQ(t.connections().size(), 1u);
  CHECK_EQ(t.client(1000, "PORT 198,51,100,7,195,80\r\n"), "11");
  CHECK_EQ(t.client(1000, "EPRT |1|198.51.100.7|50001|\r\n"), "11");
  CHECK_EQ(t.connections().size(), 3u);
  for (const uint16_t port : {50000, 50001}) {
    CHECK_EQ(fromServer(port), "returned");
    CHECK_EQ(t.sentFrom(), "192.0.2.10:20");
    CHECK_EQ(t.send(exchanged(t.sent)), "11");
    CHECK_EQ(t.sentTo(), "10.0.0.11:20");
  }
  CHECK_EQ(fromServer(50002), "passedOn");
  CHECK_EQ(testing::brokenNatLaw(t.director), "");
}

TEST("what was announced and never came is forgotten after two minutes") {
  Ftp t;
  CHECK_EQ(t.server(1000, kPassive), "returned");
  t.pass(100);
  CHECK_EQ(t.server(1000, kPassive), "returned");  // said again: it lives on
  t.pass(100);
  CHECK_EQ(t.expected(), 1u);
  t.pass(21);
  CHECK_EQ(t.expected(), 0u);
  CHECK_EQ(t.connections().size(), 1u);
  CHECK_EQ(t.open(50000), "dropNotScheduled");
}

TEST("one that is past its time is not opened before the wheels come to it, either") {
  Ftp t;
  CHECK_EQ(t.server(1000, kPassive), "returned");
  t.now += ticksFromSeconds(121);
  CHECK_EQ(t.open(50000), "dropNotScheduled");
}

TEST("a control connection lives as long as its data connections, also just when its time has come") {
  for (const bool isServers : {false, true}) {
    Ftp t;
    CHECK_EQ(t.server(1000, kPassive), "returned");
    CHECK_EQ(t.open(50000), "11");
    const auto transfer = [&] {
      return t.send(PacketBuilder().ip(kServer, kClient).tcp(kDataPort, 50000, kTcpAck).payload(500).build());
    };
    CHECK_EQ(transfer(), "returned");
    for (int i = 0; i < 6; i++) {
      t.pass(300);
      CHECK_EQ(transfer(), "returned");
    }
    CHECK_EQ(t.connections().size(), 2u);
    t.pass(300);
    CHECK_EQ(transfer(), "returned");
    t.now += ticksFromSeconds(100);  // the wheels have not come to it since
    const auto next = 1000 + static_cast<uint32_t>(kPassive.size());
    CHECK_EQ(isServers ? t.server(next, "226 Done.\r\n") : t.client(next + 1, "NOOP\r\n"),
             isServers ? "returned" : "11");
    CHECK_EQ(isServers ? t.sequence() : t.acknowledged(), isServers ? next + 1 : next);
    t.pass(700);
    CHECK_EQ(t.connections().size(), 2u);
    t.pass(1100);
    CHECK_EQ(t.director.connectionCount(), 0u);
    CHECK_EQ(t.director.ftp().sessions.count(), 0u);
  }
}

TEST("data connections outlive a control connection that is ended, and nothing is left of either") {
  Ftp t;
  CHECK_EQ(t.server(1000, kPassive), "returned");
  CHECK_EQ(t.open(50000), "11");
  t.setSysctl("conn_reuse_mode", 1);
  CHECK_EQ(t.server(2000, ""), "returned");
  CHECK_EQ(t.send(PacketBuilder().ip(kServer, kClient).tcp(21, 40000, kTcpRst).build()), "returned");
  // The client begins another control connection from the same port.
  CHECK_EQ(t.handshake(40000, kFtp), "11");
  CHECK_EQ(testing::brokenNatLaw(t.director), "");
  CHECK_EQ(t.server(1000, "220 Welcome.\r\n"), "returned");
  CHECK_EQ(t.sequence(), 1000u);
  CHECK_EQ(t.send(PacketBuilder().ip(kServer, kClient).tcp(kDataPort, 50000, kTcpAck).build()), "returned");
  for (int i = 0; i < 3; i++) t.pass(1000);
  CHECK_EQ(t.director.connectionCount(), 0u);
  CHECK_EQ(t.director.ftp().sessions.count(), 0u);
}

// A persistent connection's entry goes on with what the client port's next connection sends.
TEST("a client port's next control connection begins with numbers that have not moved") {
  for (const uint32_t at : {1000u, 500u, 0x90000000u}) {
    Ftp t;
    t.setSysctl("conn_reuse_mode", 0);
    CHECK_EQ(t.server(1000, kPassive), "returned");
    CHECK_EQ(t.client(1000 + static_cast<uint32_t>(kPassive.size()) + 1, ""), "11");
    CHECK_EQ(t.send(PacketBuilder().ip(kServer, kClient).tcp(21, 40000, kTcpRst).build()), "returned");
    t.begin(40000, at);
    CHECK_EQ(t.connections().size(), 2u);
    CHECK_EQ(t.server(at, "220 Welcome.\r\n"), "returned");
    CHECK_EQ(t.sequence(), at);
    CHECK_EQ(t.server(at + 14, kPassive), "returned");
    CHECK_EQ(t.text(), kShown);
    CHECK_EQ(t.sequence(), at + 14);
    // A SYN that somebody forges while the connection is established changes nothing.
    CHECK_EQ(t.send(t.fromClient(40000, kTcpSyn, 0, kFtp)), "11");
    CHECK_EQ(t.server(at + 14 + static_cast<uint32_t>(kPassive.size()), "150 Here it comes.\r\n"), "returned");
    CHECK_EQ(t.sequence(), at + 14 + static_cast<uint32_t>(kPassive.size()) + 1);
  }
}

TEST("no server's address is shown when two control connections of a client announce one port") {
  Ftp t;
  t.begin(40001);
  CHECK_EQ(t.server(1000, kPassive), "returned");
  CHECK_EQ(t.server(1000, kPassive, 40001), "returned");
  CHECK_EQ(t.text(), kShown);
  CHECK_EQ(t.expected(), 1u);
}

TEST("a server that was removed is not opened data connections to") {
  Ftp t;
  CHECK_EQ(t.server(1000, kPassive), "returned");
  t.deleteServer(11, kFtp);
  CHECK_EQ(t.open(50000), "dropNotScheduled");
  for (int i = 0; i < 3; i++) t.pass(1000);
  CHECK_EQ(t.director.ftp().sessions.count(), 0u);
}

}  // namespace
}  // namespace tunvs::nat_ftp_test
