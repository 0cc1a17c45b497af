#include <set>
#include <span>
#include <vector>

#include "director/protocol/protocol_state.h"
#include "support/testing.h"

namespace tunvs::sctp_state_two_sided_test {
namespace {

using enum SctpState;
using Event = SctpEvent;

struct Sent {
  Side side;
  Event event;
};

constexpr Sent c(Event event) { return {Side::client, event}; }
constexpr Sent s(Event event) { return {Side::server, event}; }

SctpState after(SctpState state, std::span<const Sent> packets) {
  for (const Sent& packet : packets) state = nextSctpState(state, packet.event, packet.side);
  return state;
}

const std::vector<Sent> kClientOpens = {c(Event::init), s(Event::initAck), c(Event::cookieEcho), s(Event::cookieAck)};
const std::vector<Sent> kServerOpens = {s(Event::init), c(Event::initAck), s(Event::cookieEcho), c(Event::cookieAck)};

// Sends every packet once more at every later place, one at a time: a copy that was late on its way.
void checkWithCopies(SctpState from, const std::vector<Sent>& packets, SctpState to) {
  CHECK(after(from, packets) == to);
  for (size_t copied = 0; copied < packets.size(); copied++) {
    for (size_t place = copied + 1; place <= packets.size(); place++) {
      std::vector<Sent> more = packets;
      more.insert(more.begin() + static_cast<std::ptrdiff_t>(place), packets[copied]);
      CHECK(after(from, more) == to);
    }
  }
}

TEST("is established by a handshake of the client, whichever packet comes twice") {
  checkWithCopies(none, kClientOpens, established);
}

TEST("is established by a handshake of the server after the client's INIT was lost on its way") {
  std::vector<Sent> packets = {c(Event::init)};
  packets.insert(packets.end(), kServerOpens.begin(), kServerOpens.end());
  CHECK(after(none, packets) == established);
  CHECK(after(none, std::span(packets).first(packets.size() - 1)) == cookieEchoed);
}

// All orders in which the packets of two handshakes can pass the director, each in its own order.
void checkMerged(SctpState state, std::span<const Sent> one, std::span<const Sent> other, size_t& orders) {
  if (one.empty() && other.empty()) {
    orders++;
    CHECK(state == established);
    return;
  }
  if (!one.empty()) checkMerged(nextSctpState(state, one[0].event, one[0].side), one.subspan(1), other, orders);
  if (!other.empty()) checkMerged(nextSctpState(state, other[0].event, other[0].side), one, other.subspan(1), orders);
}

// RFC 9260 section 5.2.1: each side answers the other's INIT.
TEST("is established when the INITs of both sides cross, in whatever order the packets pass") {
  size_t orders = 0;
  const SctpState begun = nextSctpState(none, Event::init, Side::client);
  checkMerged(begun, std::span(kClientOpens).subspan(1), kServerOpens, orders);
  CHECK_EQ(orders, 35u);
}

TEST("is shut down by either side, and by both at once") {
  const std::vector<Sent> shutdowns[] = {
      {c(Event::shutdown), s(Event::shutdownAck), c(Event::shutdownComplete)},
      {s(Event::shutdown), c(Event::shutdownAck), s(Event::shutdownComplete)},
      {c(Event::shutdown), s(Event::shutdown), c(Event::shutdownAck), s(Event::shutdownAck), c(Event::shutdownComplete),
       s(Event::shutdownComplete)},
      {c(Event::shutdown), s(Event::shutdown), s(Event::shutdownAck), c(Event::shutdownAck), s(Event::shutdownComplete),
       c(Event::shutdownComplete)},
      {s(Event::shutdown), c(Event::shutdown), c(Event::shutdownAck), s(Event::shutdownAck), s(Event::shutdownComplete),
       c(Event::shutdownComplete)},
      {s(Event::shutdown), c(Event::shutdown), s(Event::shutdownAck), c(Event::shutdownAck), s(Event::shutdownComplete),
       c(Event::shutdownComplete)},
  };
  for (const auto& packets : shutdowns) checkWithCopies(established, packets, closed);
}

TEST("stays established whatever goes to and fro but what ends an association") {
  const Event kinds[] = {Event::data,      Event::init,  Event::initAck,         Event::cookieEcho,
                         Event::cookieAck, Event::error, Event::shutdownComplete};
  for (const Event event : kinds) {
    CHECK(nextSctpState(established, event, Side::client) == established);
    CHECK(nextSctpState(established, event, Side::server) == established);
  }
}

TEST("ends with an ABORT of either side, wherever it is") {
  for (uint8_t i = 0; i < kSctpStates; i++) {
    for (const Side side : {Side::client, Side::server})
      CHECK(
          isClosed(kSctpProtocol, static_cast<uint8_t>(nextSctpState(static_cast<SctpState>(i), Event::abort, side))));
  }
}

TEST("takes an association that it meets in its middle for what the first packet says") {
  const struct {
    Event event;
    SctpState ofClient, ofServer;
  } table[] = {
      {Event::data, established, established},
      {Event::init, init1, cookieWait},
      {Event::initAck, cookieWait, cookieSent},
      {Event::cookieEcho, cookieReplied, cookieEchoed},
      {Event::cookieAck, established, established},
      {Event::shutdown, shutdownReceived, shutdownSent},
      {Event::shutdownAck, closed, shutdownAckSent},
      {Event::shutdownComplete, closed, closed},
      {Event::error, closed, closed},
      {Event::abort, closed, closed},
  };
  CHECK_EQ(std::size(table), static_cast<size_t>(Event::kCount));
  for (const auto& row : table) {
    CHECK(nextSctpState(none, row.event, Side::client) == row.ofClient);
    CHECK(nextSctpState(none, row.event, Side::server) == row.ofServer);
  }
}

TEST("waits longer for an association whose client answers what the director has not seen") {
  for (const SctpState asked : {init1, init}) {
    CHECK(nextSctpState(asked, Event::initAck, Side::client) == cookieWait);
    CHECK(nextSctpState(asked, Event::cookieEcho, Side::client) == init);
    CHECK(nextSctpState(asked, Event::shutdownAck, Side::client) == init);
    CHECK(nextSctpState(asked, Event::shutdownComplete, Side::client) == closed);
  }
}

TEST("ends a handshake with the ERROR of the side that was asked, and with no other one") {
  const std::set<SctpState> ofServer = {none, init1, init, cookieSent, cookieReplied}, ofClient = {none, cookieEchoed};
  for (size_t i = 0; i < kSctpStates; i++) {
    const auto state = static_cast<SctpState>(i);
    CHECK(nextSctpState(state, Event::error, Side::server) == (ofServer.contains(state) ? closed : state));
    CHECK(nextSctpState(state, Event::error, Side::client) == (ofClient.contains(state) ? closed : state));
  }
}

TEST("is never established by the packets of the client alone once it has asked") {
  std::set<SctpState> reached = {nextSctpState(none, Event::init, Side::client)};
  for (size_t before = 0; before != reached.size();) {
    before = reached.size();
    for (const SctpState state : std::set(reached)) {
      for (size_t event = 0; event < static_cast<size_t>(Event::kCount); event++)
        reached.insert(nextSctpState(state, static_cast<Event>(event), Side::client));
    }
  }
  CHECK(!reached.contains(established));
}

TEST("keeps to the client's own table when the server's packets are not seen") {
  for (size_t i = 0; i < kSctpStates; i++) {
    for (size_t j = 0; j < static_cast<size_t>(Event::kCount); j++) {
      const auto now = static_cast<SctpState>(i);
      const auto event = static_cast<Event>(j);
      CHECK(nextSctpState(now, event, Side::clientOnly) == nextSctpState(now, event));
    }
  }
}

}  // namespace
}  // namespace tunvs::sctp_state_two_sided_test
