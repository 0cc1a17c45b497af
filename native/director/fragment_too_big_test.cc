// Fragments of a datagram that is too long for the path to its real server, and that must not be cut further.
#include "support/test_director.h"
#include "support/testing.h"

namespace tunvs::fragment_too_big_test {
namespace {

using testing::Bytes;
using testing::HeldPacket;
using testing::PacketBuilder;
using testing::TestDirector;

struct Narrow : TestDirector {
  Narrow() : TestDirector(options()) {
    addService("rr", kNames);
    addServer(11, {}, kNames);
  }
  static DirectorOptions options() {
    DirectorOptions made = defaultOptions();
    made.settings.pathMtu = 600;
    return made;
  }
  // Returns what became of it, and how many packets were sent.
  std::pair<std::string, size_t> take(const Bytes& bytes) {
    HeldPacket held(bytes);
    Packet packet = held.packet();
    OutputVector out;
    Verdict verdict{};
    director.process(0, {&packet, 1}, now, out, &verdict);
    return {std::string(kVerdictNames[static_cast<size_t>(verdict)]), out.count()};
  }
};

using Taken = std::pair<std::string, size_t>;

Bytes part(uint16_t offset, size_t bytes, bool more, bool dontFragment = true) {
  PacketBuilder builder = PacketBuilder().ip("198.51.100.7", "192.0.2.10").fragmentOffset(offset);
  if (more) builder.moreFragments();
  if (dontFragment) builder.dontFragment();
  if (offset == 0) return builder.udp(1000, 53).payload(bytes - 8).build();
  return builder.protocol(IpProtocol::udp).payload(bytes).build();
}

bool check(const Taken& taken, const char* verdict, size_t sent) {
  return CHECK_EQ(taken.first, verdict) & CHECK_EQ(taken.second, sent);
}

}  // namespace

TEST("once the client was told that the first fragment is too long, nothing of the datagram goes out") {
  Narrow t;
  check(t.take(part(0, 800, true)), "answeredTooBig", 1);
  check(t.take(part(800, 400, true)), "dropFragment", 0);
  check(t.take(part(1200, 40, false)), "dropFragment", 0);
  CHECK_EQ(t.row(11, TestDirector::kNames).traffic.tooBig, 1u);
  CHECK_EQ(t.row(11, TestDirector::kNames).traffic.inPackets, 0u);
}

TEST("fragments that waited for a first one that is too long do not go out either") {
  Narrow t;
  check(t.take(part(800, 400, false)), "waitingFragment", 0);
  check(t.take(part(0, 800, true)), "answeredTooBig", 1);
  CHECK_EQ(t.counter("fragmentsReleased"), 0u);
}

TEST("a fragment that waited and is itself too long for the path is counted as one that did not go on") {
  Narrow t;
  check(t.take(part(400, 800, true)), "waitingFragment", 0);
  check(t.take(part(1200, 40, false)), "waitingFragment", 0);
  check(t.take(part(0, 400, true)), "forwarded", 2);
  CHECK_EQ(t.counter("fragmentsReleased"), 1u);
  CHECK_EQ(t.counter("fragmentsRefused"), 1u);
  CHECK_EQ(t.row(11, TestDirector::kNames).traffic.tooBig, 0u);  // nobody is told of a later fragment (RFC 1122)
  CHECK_EQ(t.row(11, TestDirector::kNames).traffic.inPackets, 2u);
}

TEST("fragments that fit go out, and so do those that may be cut") {
  Narrow t;
  check(t.take(part(0, 400, true)), "forwarded", 1);
  check(t.take(part(400, 400, false)), "forwarded", 1);
  Narrow other;
  check(other.take(part(0, 800, true, false)), "forwarded", 2);
  check(other.take(part(800, 400, false, false)), "forwarded", 1);
}

TEST("a datagram that begins anew under a used identification is judged anew") {
  Narrow t;
  check(t.take(part(0, 800, true)), "answeredTooBig", 1);
  check(t.take(part(800, 400, false)), "dropFragment", 0);
  check(t.take(part(0, 400, true)), "forwarded", 1);
  check(t.take(part(400, 40, false)), "forwarded", 1);
}

}  // namespace tunvs::fragment_too_big_test
