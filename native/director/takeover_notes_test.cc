// What a director knows of connections beside their entries is taken over as well: how far FTP's sequence numbers have
// moved and what data connections it has announced, and what real servers were told of their clients.
#include "packet/client_address.h"
#include "support/ftp_director.h"
#include "support/full_nat.h"
#include "support/killed_everywhere.h"
#include "support/random.h"

namespace tunvs::takeover_notes_test {
namespace {

using testing::Bytes;
using testing::exchanged;
using Ftp = testing::FtpDirector;
using testing::FullNat;
using testing::NatDirector;
using testing::Outside;
using testing::PacketBuilder;
using testing::Random;
using testing::TestDirector;
using testing::withSources;

constexpr size_t kHeaderBytes = 28;
constexpr uint32_t kFirst = 1000, kIsn = FullNat::kIsn;
constexpr uint32_t kBehind = kFirst + static_cast<uint32_t>(testing::kPassive.size());
constexpr uint32_t kMoved = static_cast<uint32_t>(testing::kShown.size() - testing::kPassive.size());

std::unique_ptr<Ftp> openFtp(const Outside& outside, bool isOld, Tick now = 0) {
  DirectorOptions options = TestDirector::defaultOptions();
  options.now = now;
  return std::make_unique<Ftp>(options, outside.memory(isOld));
}

std::unique_ptr<FullNat> openTold(const Outside& outside, bool isOld, ClientTold told = ClientTold::proxy,
                                  Tick now = 0) {
  DirectorOptions options = withSources({"10.0.0.200"});
  options.now = now;
  return std::make_unique<FullNat>(options, outside.memory(isOld), told);
}

// Says what is wrong with a control connection that has said kPassive, or "".
std::string wrongWithMoved(Ftp& t, uint16_t port) {
  if (t.server(kFirst, testing::kPassive, port) != "returned" || t.text() != testing::kShown || t.sequence() != kFirst)
    return "the reply that is sent again is another";
  if (t.server(kBehind, "200 Well.\r\n", port) != "returned") return "the server's words are lost";
  if (t.sequence() != kBehind + kMoved || !t.isRightFromServer()) return "the server's numbers are wrong";
  if (t.client(kBehind + kMoved, "NOOP\r\n", port) != "11") return "the client's words are lost";
  return t.acknowledged() == kBehind ? "" : "the client's numbers are wrong";
}

TEST("a control connection goes on, with its numbers moved, and what it has announced is still expected") {
  const Outside outside;
  {
    const auto t = openFtp(outside, false);
    t->begin(40000);
    CHECK_EQ(t->server(kFirst, testing::kPassive), "returned");
  }
  for (int i = 0; i < 3; i++) {
    const auto t = openFtp(outside, true);
    CHECK_EQ(t->director.takenOver().ended, 0u);
    CHECK_EQ(t->expected(), 1u);
    CHECK_EQ(wrongWithMoved(*t, 40000), "");
  }
  const auto t = openFtp(outside, true);
  CHECK_EQ(t->open(50000), "11");
  CHECK_EQ(t->sentTo(), "10.0.0.11:51210");
  CHECK_EQ(t->expected(), 0u);
}

TEST("a control connection lives on while it has a data connection, also one from before") {
  const Outside outside;
  const auto talk = [](Ftp& t) {
    const Bytes packet =
        PacketBuilder().ip(NatDirector::kClient, testing::kFtp.address).tcp(50000, testing::kDataPort, kTcpAck).build();
    return t.send(packet);
  };
  {
    const auto t = openFtp(outside, false);
    t->begin(40000);
    CHECK_EQ(t->server(kFirst, testing::kPassive), "returned");
    CHECK_EQ(t->open(50000), "11");
    Bytes answer = exchanged(t->sent);
    answer[33] |= kTcpAck;
    CHECK_EQ(t->send(answer), "returned");
    CHECK_EQ(talk(*t), "11");
  }
  const auto t = openFtp(outside, true);
  for (int i = 0; i < 20; i++) {
    t->pass(120);
    if (!CHECK_EQ(talk(*t), "11")) return;
  }
  CHECK_EQ(wrongWithMoved(*t, 40000), "");
  for (int i = 0; i < 20; i++) t->pass(1000);
  CHECK_EQ(t->director.connectionCount(), 0u);
  CHECK_EQ(t->director.ftp().sessions.count(), 0u);
}

TEST("where a line begins is known, so that none is read that began in the middle of one") {
  const Outside outside;
  {
    const auto t = openFtp(outside, false);
    t->begin(40000);
    CHECK_EQ(t->server(kFirst, "214 You said "), "returned");
  }
  const auto t = openFtp(outside, true);
  CHECK_EQ(t->server(kFirst + 13, testing::kPassive), "returned");
  CHECK_EQ(t->text(), testing::kPassive);
  CHECK_EQ(t->expected(), 0u);
}

TEST("notes of connections that have ended are used again") {
  const Outside outside;
  Tick now = 0;
  for (int round = 0; round < 40; round++) {
    const auto t = openFtp(outside, round != 0, now);
    if (round != 0) CHECK_EQ(wrongWithMoved(*t, 39999), "");
    // There is room for 128 notes, and each has two.
    for (uint16_t i = 0; i < 60; i++) {
      const auto port = static_cast<uint16_t>(40000 + i);
      t->begin(port);
      CHECK_EQ(t->server(kFirst, testing::kPassive, port), "returned");
      CHECK_EQ(t->open(static_cast<uint16_t>(50000 + i)), "11");
    }
    for (int i = 0; i < 20; i++) t->pass(1000);
    CHECK_EQ(t->director.connectionCount(), 0u);
    t->begin(39999);
    CHECK_EQ(t->server(kFirst, testing::kPassive, 39999), "returned");
    now = t->now;
  }
}

TEST("connections without a note, for which there was no room, end, and others go on") {
  const Outside outside;
  {
    const auto t = openFtp(outside, false);
    for (uint16_t i = 0; i < 200; i++) t->begin(static_cast<uint16_t>(40000 + i));
  }
  const auto t = openFtp(outside, true);
  CHECK_EQ(t->director.takenOver().connections, 128u);
  CHECK_EQ(t->director.takenOver().ended, 2 * (200u - 128u));
  int live = 0;
  for (uint16_t i = 0; i < 200; i++) live += t->client(kFirst, "NOOP\r\n", static_cast<uint16_t>(40000 + i)) == "11";
  CHECK_EQ(live, 128);
}

TEST("the header that tells the client's address has gone, or comes, once") {
  for (const bool isSaid : {false, true}) {
    const Outside outside(withSources({"10.0.0.200"}));
    Bytes toServer;
    {
      const auto t = openTold(outside, false);
      t->shakeHands(40000);
      CHECK_EQ(t->send(t->says(40000, 0, isSaid ? 5 : 0)), "11");
      if (isSaid) CHECK_EQ(t->answered(kIsn + 1 + kHeaderBytes + 5), kIsn + 6);
      toServer = t->toServer;
    }
    const auto t = openTold(outside, true);
    CHECK_EQ(t->director.takenOver().ended, 0u);
    t->toServer = toServer;
    const uint32_t said = isSaid ? 5 : 0;
    CHECK_EQ(t->send(t->says(40000, said, 3)), "11");
    CHECK_EQ(t->sentAhead.empty(), isSaid);
    CHECK_EQ(t->sequence(), kIsn + 1 + said + kHeaderBytes);
    CHECK(t->isRight());
    CHECK_EQ(t->answered(kIsn + 1 + kHeaderBytes + said + 3), kIsn + 1 + said + 3);
    // Nobody else can say something in the client's place.
    t->acknowledges = FullNat::kServerIsn + 99;
    CHECK_EQ(t->send(t->says(40000, said + 3, 3)), "dropForged");
  }
}

TEST("a client's address goes on as an option until the server has answered, before and after") {
  const Outside outside(withSources({"10.0.0.200"}));
  Bytes toServer;
  {
    const auto t = openTold(outside, false, ClientTold::toa);
    t->shakeHands(40000);
    t->send(t->says(40000, 0, 0));
    CHECK_EQ(t->sent.size(), 48u);
    toServer = t->toServer;
  }
  const auto t = openTold(outside, true, ClientTold::toa);
  t->toServer = toServer;
  t->send(t->says(40000, 0, 1));
  CHECK_EQ(t->sent.size(), 49u);
  t->answered(kIsn + 2);
  t->send(t->says(40000, 1, 1));
  CHECK_EQ(t->sent.size(), 41u);
  const auto next = openTold(outside, true, ClientTold::toa);
  next->send(next->says(40000, 2, 1));
  CHECK_EQ(next->sent.size(), 41u);
}

TEST("all that is known of a connection whose server is told comes back out of its words, and others are refused") {
  Random random(7);
  for (int i = 0; i < 20000; i++) {
    ToldConnection::Words words;
    for (auto& word : words) word = static_cast<uint32_t>(random.next());
    words.back() = 0;
    words[0] = random.below(1u << 12) | random.below(4) << 16;
    const auto told = ToldConnection::of(words, kHeaderBytes);
    if (told) CHECK(told->words() == words);
    const bool isHeaded = (words[0] & 1u << 4) != 0, isSettled = (words[0] & 1u << 11) != 0;
    const bool isProxy = words[0] >> 16 == 2, isToa = words[0] >> 16 == 1;
    CHECK_EQ(told.has_value(), (isProxy || isToa) && (isHeaded || !isSettled) && (isProxy || !isHeaded));
  }
}

// ---- killed at every store ----

// Another client's control connection has moved its numbers before.
struct FtpScene {
  std::function<void(Ftp&)> prepare = [](Ftp&) {};
  std::function<void(Ftp&)> operate;
  uint16_t port = 40001;  // that of the operation
  bool mayBeGone = true;  // the operation begins or ends it

  static std::unique_ptr<Ftp> open(const Outside& outside, bool isOld, Tick now) {
    return openFtp(outside, isOld, now);
  }
  static void begin(Ftp& t) {
    t.begin(40000);
    t.server(kFirst, testing::kPassive);
    t.open(50000);
  }
  std::string wrongAfter(Ftp& t) const {
    if (const std::string wrong = testing::wrongWith(t); !wrong.empty()) return wrong;
    if (const std::string wrong = wrongWithMoved(t, 40000); !wrong.empty()) return "bystander: " + wrong;
    if (t.director.takenOver().ended > 4) return "more has ended than the operation was about";
    // What was being done has ended, or goes on when it is done again.
    const std::string answered = [&] {
      Bytes answer = PacketBuilder().ip(Ftp::kServer, NatDirector::kClient).tcp(21, port, kTcpSyn | kTcpAck).build();
      storeBe32(&answer[24], kFirst - 1);
      return t.send(answer);
    }();
    if (answered == "returned") return wrongWithMoved(t, port);
    return mayBeGone ? "" : "the control connection is gone";
  }
};

TEST("killed at every store while a control connection begins") {
  testing::checkKilledEverywhere(FtpScene{.operate = [](Ftp& t) { t.begin(40001); }}, 60);
}

TEST("killed at every store while a control connection announces data connections, and they are opened") {
  testing::checkKilledEverywhere(FtpScene{.prepare = [](Ftp& t) { t.begin(40001); },
                                          .operate =
                                              [](Ftp& t) {
                                                t.server(kFirst, testing::kPassive, 40001);
                                                t.client(kBehind + kMoved, "PORT 198,51,100,7,100,1\r\n", 40001);
                                              },
                                          .mayBeGone = false},
                                 60);
  // That of the bystander was opened: this client has another.
  const std::string_view other = "227 Entering Passive Mode (10,0,0,11,200,11).\r\n";
  testing::checkKilledEverywhere(FtpScene{.prepare =
                                              [&](Ftp& t) {
                                                t.begin(40001);
                                                t.server(kFirst, testing::kPassive, 40001);
                                                t.server(kBehind, other, 40001);
                                              },
                                          .operate = [](Ftp& t) { t.open(50001, testing::kDataPort + 1); },
                                          .mayBeGone = false},
                                 60);
}

TEST("killed at every store while a control connection and its data connections end") {
  testing::checkKilledEverywhere(FtpScene{.prepare =
                                              [](Ftp& t) {
                                                t.begin(40001);
                                                t.server(kFirst, testing::kPassive, 40001);
                                                t.send(NatDirector::fromClient(40001, kTcpRst, 0, testing::kFtp));
                                              },
                                          .operate =
                                              [](Ftp& t) {
                                                t.now += ticksFromSeconds(14);
                                                while (!t.director.expire(0, t.now, true, 1000)) continue;
                                              }},
                                 20);
}

// Another client's connection has its header.
struct ToldScene {
  std::function<void(FullNat&)> prepare = [](FullNat&) {};
  std::function<void(FullNat&)> operate;
  bool mayBeGone = true;  // the operation begins or ends the other connection
  Bytes toServer = {};

  static std::unique_ptr<FullNat> open(const Outside& outside, bool isOld, Tick now) {
    return openTold(outside, isOld, ClientTold::proxy, now);
  }
  void begin(FullNat& t) {
    t.shakeHands(40000);
    t.send(t.says(40000, 0, 5));
    t.answered(kIsn + 1 + kHeaderBytes + 5);
    toServer = t.toServer;
  }
  std::string wrongAfter(FullNat& t) const {
    if (const std::string wrong = testing::wrongWith(t); !wrong.empty()) return wrong;
    if (t.send(t.says(40000, 5, 3)) != "11" || t.sequence() != kIsn + 6 + kHeaderBytes || !t.sentAhead.empty())
      return "bystander: the client's numbers are wrong";
    t.toServer = toServer;
    if (t.answered(kIsn + 1 + kHeaderBytes + 8) != kIsn + 9) return "bystander: the server's numbers are wrong";
    if (t.director.takenOver().ended > 2) return "more has ended than the operation was about";
    // What the other says goes behind its header, or nowhere.
    if (t.send(t.says(40001, 0, 3)) != "11") return mayBeGone ? "" : "the other connection is gone";
    return t.sequence() == kIsn + 1 + kHeaderBytes && !t.sentAhead.empty() ? "" : "what it says has no header";
  }
};

TEST("killed at every store while a connection begins whose server is told its client") {
  testing::checkKilledEverywhere(ToldScene{.operate =
                                               [](FullNat& t) {
                                                 t.shakeHands(40001);
                                                 t.send(t.says(40001, 0, 3));
                                                 t.answered(kIsn + 1 + kHeaderBytes + 3);
                                               }},
                                 60, withSources({"10.0.0.200"}));
}

TEST("killed at every store while a connection whose server is told its client says its first bytes") {
  testing::checkKilledEverywhere(ToldScene{.prepare = [](FullNat& t) { t.shakeHands(40001); },
                                           .operate =
                                               [](FullNat& t) {
                                                 t.send(t.says(40001, 0, 3));
                                                 t.answered(kIsn + 1 + kHeaderBytes + 3);
                                               },
                                           .mayBeGone = false},
                                 15, withSources({"10.0.0.200"}));
}

TEST("killed at every store while a connection ends whose server is told its client") {
  testing::checkKilledEverywhere(ToldScene{.prepare =
                                               [](FullNat& t) {
                                                 t.shakeHands(40001);
                                                 t.send(t.says(40001, 0, 0, kTcpRst));
                                               },
                                           .operate =
                                               [](FullNat& t) {
                                                 t.now += ticksFromSeconds(14);
                                                 while (!t.director.expire(0, t.now, true, 1000)) continue;
                                               }},
                                 20, withSources({"10.0.0.200"}));
}

// ---- hostile ----

template <typename T>
void endsEmpty(T& t) {
  // The longest timeout there is, thrice.
  for (int i = 0; i < 3; i++) t.pass(2678400);
  for (int i = 0; i < 3; i++) t.pass(100);
  CHECK_EQ(t.director.connectionCount(), 0u);
  CHECK_EQ(t.director.ftp().sessions.count(), 0u);
  CHECK_EQ(t.director.ftp().expected.load(), 0u);
}

// Writes to notes, or exchanges them, and to reply entries' marks.
void damage(const Outside& outside, Random& random) {
  const std::span<std::byte> notes =
      outside.bytes().subspan(outside.tableBytes(), outside.connectionBytes() - outside.tableBytes());
  for (uint32_t hits = 1 + random.below(40); hits > 0; hits--) {
    const size_t slot = random.below(60) * size_t{128};
    if (random.oneIn(3)) {
      std::memcpy(&notes[slot], &notes[random.below(60) * size_t{128}], 128);
    } else {
      notes[slot + random.below(128)] = static_cast<std::byte>(random.oneIn(4) ? random.below(3) : random.below(256));
    }
  }
  constexpr size_t kTableHeader = 4096;
  for (uint32_t hits = random.below(2000); hits > 0; hits--) {
    const size_t at = kTableHeader + random.next() % (outside.tableBytes() / 2 - kTableHeader);
    outside.bytes()[at] = static_cast<std::byte>(random.below(8));
  }
}

TEST("whatever somebody writes into notes, what holds together goes on, and all of it ends some time") {
  for (uint64_t seed = 1; seed <= 300 / testing::kFewer; seed++) {
    Random random(seed);
    const Outside outside;
    {
      const auto t = openFtp(outside, false);
      for (uint16_t i = 0; i < 20; i++) {
        const auto port = static_cast<uint16_t>(40000 + i);
        t->begin(port);
        t->server(kFirst, testing::kPassive, port);
        if (random.oneIn(2)) t->open(static_cast<uint16_t>(50000 + i));
      }
    }
    damage(outside, random);
    if (!Director::checkOld(TestDirector::defaultOptions(), outside.memory(true)).ok()) continue;
    const auto t = openFtp(outside, true, 100);
    if (!CHECK_EQ(testing::wrongWith(*t), "")) return;
    for (uint16_t i = 0; i < 20; i++) {
      const auto port = static_cast<uint16_t>(40000 + i);
      t->server(kFirst, testing::kPassive, port);
      t->client(kBehind, "PASV\r\n", port);
      t->open(static_cast<uint16_t>(51000 + i));
    }
    if (!CHECK_EQ(testing::wrongWith(*t), "")) return;
    endsEmpty(*t);
  }
  for (uint64_t seed = 1; seed <= 300 / testing::kFewer; seed++) {
    Random random(seed);
    const Outside outside(withSources({"10.0.0.200"}));
    const ClientTold told = random.oneIn(2) ? ClientTold::proxy : ClientTold::toa;
    {
      const auto t = openTold(outside, false, told);
      for (uint16_t port = 40000; port < 40040; port++) {
        t->shakeHands(port);
        t->send(t->says(port, 0, random.below(9)));
      }
    }
    damage(outside, random);
    if (!Director::checkOld(TestDirector::defaultOptions(), outside.memory(true)).ok()) continue;
    const auto t = openTold(outside, true, told, 100);
    if (!CHECK_EQ(testing::wrongWith(*t), "")) return;
    for (uint16_t port = 40000; port < 40040; port++) {
      t->send(t->says(port, 0, 4));
      if (!t->sent.empty()) t->send(exchanged(t->sent));
    }
    if (!CHECK_EQ(testing::wrongWith(*t), "")) return;
    endsEmpty(*t);
  }
}

}  // namespace
}  // namespace tunvs::takeover_notes_test
