// A FastPathBench is a director whose tables lie in a fast path's map, and the kernel that runs the program over single
// packets (BPF_PROG_TEST_RUN): nothing is attached anywhere.
//
// Thread safety: none.
#pragma once

#include <algorithm>
#include <string>

#include "fastpath/fast_path.h"
#include "support/test_director.h"
#include "support/testing.h"

namespace tunvs::testing {

class FastPathBench {
 public:
  static constexpr uint32_t kGoesOn = UINT32_MAX, kRedirected = 7;  // TC_ACT_UNSPEC, TC_ACT_REDIRECT
  static constexpr size_t kEthernetBytes = 14;
  static constexpr uint8_t kMacs[12] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};

  static DirectorOptions optionsWithClock() {
    DirectorOptions options = TestDirector::defaultOptions();
    options.settings.v6 = SourceRange{address("2001:db8:1::1"), 128};
    options.now = coarseTick();
    return options;
  }
  // Returns why there can be no fast path here; "" when there can.
  static std::string absent() {
    const auto made = FastPath::create(Director::tableBytes(TestDirector::defaultOptions()));
    return made ? "" : made.error().message;
  }

  explicit FastPathBench(const DirectorOptions& options = optionsWithClock(), bool isIngress = false)
      : fast(makeFast(options)), t(options, fast->table()), isIngress_(isIngress) {
    if (auto loaded = fast->load(t.director, {kEthernetBytes, isIngress}); !loaded) {
      std::printf("%s\n", loaded.error().message.c_str());
      std::abort();
    }
    t.director.setHandingOver(true);
    fast->setNextHops([](const IpAddress&) {
      LinkHop hop{1, {}, {}, 1500, 1500};
      std::copy_n(kMacs, 6, hop.destination.begin());
      std::copy_n(kMacs + 6, 6, hop.source.begin());
      return hop;
    });
  }

  ~FastPathBench() { fast->stop(); }

  // Sends a packet by the director, and hands its connection over. Behind an ingress the host cuts what is padded.
  std::string send(const Bytes& packet) {
    t.now = coarseTick();
    const std::string went = t.send(isIngress_ ? withoutPadding(packet) : packet);
    t.director.handOver(0, /*isQueueEmpty=*/true);
    return went;
  }
  // Makes a connection whose next packet goes by the program.
  void establish(const Bytes& first, const Bytes& next) {
    send(first);
    for (int i = 0; i < 4; i++) send(next);
    fast->refresh();
  }
  // Returns what the program sends in place of the packet, without the link's header; empty: the packet goes on. At an
  // ingress it gets the packet as it was one hop before.
  Bytes run(const Bytes& given) {
    const Bytes packet = isIngress_ ? oneHopBefore(given) : given;
    std::vector<uint8_t> frame(kEthernetBytes);
    storeBe16(&frame[12], packet[0] >> 4 == 4 ? 0x0800 : 0x86dd);
    frame.insert(frame.end(), packet.begin(), packet.end());
    const auto frameBefore = frame;
    const auto action = testRun(fast->program(), frame);
    CHECK(action.ok() || packet.size() < 40);  // the kernel runs no program over less than an IP header
    if (!action || action.value() != kRedirected) {
      if (action) CHECK_EQ(action.value(), kGoesOn);
      CHECK(frame == frameBefore);
      return {};
    }
    CHECK(std::equal(std::begin(kMacs), std::end(kMacs), frame.begin()));
    return {frame.begin() + kEthernetBytes, frame.end()};
  }
  uint64_t reason(int number) const { return fast->counts().reasons[number]; }

  static Bytes withoutPadding(Bytes packet) {
    if (packet.size() < 40) return packet;
    const size_t length = packet[0] >> 4 == 4 ? loadBe16(&packet[2]) : 40u + loadBe16(&packet[4]);
    if (length >= 20 && length < packet.size()) packet.resize(length);
    return packet;
  }

  // Undoes what a router does to the TTL.
  static Bytes oneHopBefore(Bytes packet) {
    if (packet.size() < 20) return packet;
    const bool isV4 = packet[0] >> 4 == 4;
    packet[isV4 ? 8 : 7]++;
    if (!isV4) return packet;
    // Of each sum there are two forms of zero, of which a header never has this one.
    uint32_t sum = (~loadBe16(&packet[10]) & 0xffffu) + 0x0100;
    sum = (sum & 0xffff) + (sum >> 16);
    storeBe16(&packet[10], static_cast<uint16_t>(~sum));
    return packet;
  }

  static std::unique_ptr<FastPath> makeFast(const DirectorOptions& options) {
    auto made = FastPath::create(Director::tableBytes(options));
    if (!made) std::abort();
    return std::move(made).value();
  }

  std::unique_ptr<FastPath> fast;
  TestDirector t;

 private:
  const bool isIngress_;
};

// The fast path's tests begin with this. REQUIRES: within a TEST
#define SKIP_WITHOUT_FAST_PATH() \
  if (const std::string why = FastPathBench::absent(); !why.empty()) SKIP(why)

}  // namespace tunvs::testing
