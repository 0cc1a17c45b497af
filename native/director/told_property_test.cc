// Whatever a client does, a server that wants a PROXY header reads the director's own first.
//
// The server here is one with SYN cookies, the most trusting there is: it remembers no handshake, and takes the end of
// any that it has answered within a while (Linux: net/ipv4/syncookies.c, whose cookie is a sum with the client's
// number, with the MSS in its lowest bits).
#include <deque>
#include <map>

#include "packet/client_address.h"
#include "support/full_nat.h"
#include "support/random.h"

namespace tunvs::told_property_test {
namespace {

using testing::Bytes;
using testing::FullNat;
using testing::Random;

constexpr uint32_t kMssValues = 4, kWindow = 65535;
const uint64_t kSeeds = 3000 / testing::kFewer;

struct Segment {
  uint32_t sequence, acknowledged;
  uint8_t flags;
  std::string payload;

  static Segment of(const Bytes& packet) {
    return {loadBe32(&packet[24]), loadBe32(&packet[28]), packet[33], FullNat::payloadOf(packet)};
  }
};

class CookieServer {
 public:
  // What it has read, of every connection that it has had.
  std::vector<std::string> streams;
  std::deque<Segment> says;

  void take(const Segment& segment) {
    if ((segment.flags & kTcpRst) != 0) {
      if (segment.sequence == next_) state_ = State::none;
      return;
    }
    if (state_ == State::none && (segment.flags & kTcpSyn) != 0) {
      if ((segment.flags & kTcpAck) == 0)
        says.push_back({cookie(segment.sequence, epoch_), segment.sequence + 1, kTcpSyn | kTcpAck, ""});
      return;
    }
    if (state_ == State::none && !opens(segment)) {
      says.push_back({segment.acknowledged, segment.sequence, kTcpRst | kTcpAck, ""});
      return;
    }
    if ((segment.flags & kTcpSyn) == 0) read(segment);
    if (state_ != State::none) says.push_back({sent_, next_, kTcpAck, ""});
  }
  // Its program ends the connection, and takes no more.
  void end() {
    if (state_ != State::open && state_ != State::clientEnded) return;
    says.push_back({sent_++, next_, kTcpFin | kTcpAck, ""});
    state_ = state_ == State::open ? State::ended : State::bothEnded;
  }
  void pass(uint32_t seconds, bool isNextEpoch) {
    if (isNextEpoch) epoch_++;
    if (state_ == State::ended && (waits_ += seconds) >= 60) state_ = State::none;
  }
  void write() {
    if (state_ != State::open && state_ != State::clientEnded) return;
    says.push_back({sent_, next_, kTcpAck, "0123456789"});
    sent_ += 10;
  }

 private:
  enum class State : uint8_t { none, open, clientEnded, ended, bothEnded };

  static uint32_t cookie(uint32_t isn, uint32_t epoch) { return 0x51ab3700 + isn + epoch * 0x3000001; }

  bool opens(const Segment& segment) {
    if ((segment.flags & kTcpAck) == 0) return false;
    for (const uint32_t of : {epoch_, epoch_ - 1}) {
      if (segment.acknowledged - 1 - cookie(segment.sequence - 1, of) >= kMssValues) continue;
      state_ = State::open;
      next_ = segment.sequence;
      sent_ = segment.acknowledged;
      waits_ = 0;
      waiting_.clear();
      streams.emplace_back();
      return true;
    }
    return false;
  }
  void read(const Segment& segment) {
    const bool isEnd = (segment.flags & kTcpAck) != 0 && segment.acknowledged == sent_;
    if (state_ == State::bothEnded && isEnd) state_ = State::none;
    if (state_ == State::ended && !segment.payload.empty()) {
      says.push_back({segment.acknowledged, segment.sequence, kTcpRst | kTcpAck, ""});
      state_ = State::none;
    }
    if (state_ != State::open) return;
    for (uint32_t i = 0; i < segment.payload.size(); i++) {
      if (segment.sequence + i - next_ < kWindow) waiting_.emplace(segment.sequence + i, segment.payload[i]);
    }
    for (auto byte = waiting_.find(next_); byte != waiting_.end(); byte = waiting_.find(next_)) {
      streams.back() += byte->second;
      waiting_.erase(byte);
      next_++;
    }
    if ((segment.flags & kTcpFin) == 0 || segment.sequence + segment.payload.size() != next_) return;
    next_++;
    state_ = State::clientEnded;
  }

  State state_ = State::none;
  uint32_t epoch_ = 0;  // cookies of this and the one before are taken
  uint32_t next_ = 0, sent_ = 0, waits_ = 0;
  std::map<uint32_t, char> waiting_;
};

// A client that says anything, with what it has seen of the server.
struct Adversary {
  Random& random;
  std::vector<uint32_t> answers{1};  // what it may acknowledge

  // Few numbers make for many handshakes that get somewhere.
  std::vector<uint32_t> isns = someIsns(random);

  static std::vector<uint32_t> someIsns(Random& random) {
    static constexpr uint32_t kIsns[] = {1000, 1001, 1004, 1028, 1029, 1030, 1057, 900, 5000};
    std::vector<uint32_t> some;
    for (uint32_t left = 1 + random.below(4); left > 0; left--) some.push_back(kIsns[random.below(std::size(kIsns))]);
    return some;
  }
  Bytes next(FullNat& t) {
    static constexpr uint8_t kFlags[] = {kTcpSyn, kTcpSyn, kTcpAck, kTcpAck,           kTcpAck,
                                         kTcpAck, kTcpAck, kTcpAck, kTcpAck | kTcpFin, kTcpRst};
    const uint8_t flags = kFlags[random.below(std::size(kFlags))];
    t.isn = isns[random.below(static_cast<uint32_t>(isns.size()))];
    t.acknowledges = answers[random.below(static_cast<uint32_t>(answers.size()))] + random.below(3) / 2;
    if (flags == kTcpSyn) return t.says(40000, UINT32_MAX, random.oneIn(8) ? 5 : 0, flags);
    const uint32_t offset = random.oneIn(2) ? 0 : random.below(70) - 35;
    static constexpr size_t kBytes[] = {0, 0, 1, 5, 28, 29, 60};
    return t.says(40000, offset, kBytes[random.below(std::size(kBytes))], flags);
  }
  void see(const Segment& segment) {
    answers.push_back(segment.sequence + 1 + static_cast<uint32_t>(segment.payload.size()));
    if (answers.size() > 6) answers.erase(answers.begin() + 1);
  }
};

TEST("whatever a client does, its server reads the director's PROXY header first") {
  char header[kMaxProxyHeaderBytes];
  const FlowKey flow = FlowKey::make(FullNat::kClient, Be16::from(40000), FullNat::kWeb.address, Be16::from(80), 6);
  const std::string_view expected(header, writeProxyHeader(header, flow));
  size_t opened = 0, whole = 0;
  for (uint64_t seed = 1; seed <= kSeeds; seed++) {
    Random random(seed);
    ServiceConfig service{"rr"};
    if (random.oneIn(2)) service.persistence.timeoutSeconds = 300;
    FullNat t(testing::withSources({"10.0.0.200"}, 5000, 5000), ClientTold::proxy, service);
    if (random.oneIn(3)) t.setSysctl("conn_reuse_mode", 0);
    if (random.oneIn(3)) t.setSysctl("sloppy_tcp", 1);
    Adversary adversary{random};
    CookieServer server;
    std::deque<Bytes> onTheWay;
    for (int i = 0; i < 2000; i++) {
      switch (random.below(8)) {
        case 0:
        case 1:
        case 2:
          if (t.send(adversary.next(t)) != "11") break;
          if (!t.sentAhead.empty()) onTheWay.push_back(t.sentAhead);
          onTheWay.push_back(t.sent);
          break;
        case 3:
        case 4:
        case 5:
          if (onTheWay.empty()) break;
          server.take(Segment::of(onTheWay.front()));
          onTheWay.pop_front();
          break;
        case 6: {
          if (server.says.empty() || t.toServer.empty()) break;
          const Segment said = server.says.front();
          server.says.pop_front();
          Bytes packet = t.answer(said.acknowledged, said.flags, said.payload.size());
          storeBe32(&packet[24], said.sequence);
          if (t.send(packet) == "returned") adversary.see(Segment::of(t.sent));
          break;
        }
        default: {
          if (random.oneIn(6)) server.end();
          if (random.oneIn(12)) server.write();
          if (!random.oneIn(20)) break;
          const uint32_t seconds = random.below(70);
          t.pass(seconds);
          server.pass(seconds, random.below(64) < seconds);
          // Nothing is under way for so long.
          if (seconds >= 1) {
            onTheWay.clear();
            server.says.clear();
          }
          break;
        }
      }
    }
    opened += server.streams.size();
    for (const std::string& stream : server.streams) {
      const size_t bytes = std::min(stream.size(), expected.size());
      if (CHECK(stream.substr(0, bytes) == expected.substr(0, bytes))) continue;
      std::printf("    with seed %llu\n", static_cast<unsigned long long>(seed));
      return;
    }
    for (const std::string& stream : server.streams) whole += stream.size() > expected.size();
  }
  // The client gets far enough for this to mean something.
  CHECK(opened > kSeeds);
  CHECK(whole > kSeeds / 2);
}

}  // namespace
}  // namespace tunvs::told_property_test
