// Follows the connections of two recordings of a real IPVS with LVS/NAT (test/golden) from packet to packet.
#include <cstdio>
#include <map>
#include <set>
#include <tuple>

#include "director/protocol/protocol_state.h"
#include "support/golden_states.h"
#include "support/packet_builder.h"
#include "support/testing.h"

namespace tunvs::states_golden_test {
namespace {

using namespace testing;

// Side, state and event, by their numbers.
using Cell = std::tuple<Side, uint8_t, uint8_t>;

class Replay {
 public:
  struct Connection {
    std::string service;
    uint8_t protocol = 0;
    uint8_t state = 0;
    Tick expires = 0;
  };

  void follow(const GoldenStep& step) {
    if (step.packet.empty()) {
      obey(step.name);
    } else if (step.entry) {
      see(step);
    }
    if (step.entry) compare(step);
  }

  size_t followed() const { return followed_; }
  const std::set<Cell>& cells() const { return cells_; }

 private:
  void obey(const std::string& command) {
    uint32_t tcp = 0, fin = 0, udp = 0, pause = 0;
    if (std::sscanf(command.c_str(), "sleep %u", &pause) == 1) now_ += ticksFromSeconds(pause);
    if (std::sscanf(command.c_str(), "ipvsadm --set %u %u %u", &tcp, &fin, &udp) != 3) return;
    tunables_.setTimeout(timeoutIndex(TcpState::established), tcp);
    tunables_.setTimeout(timeoutIndex(TcpState::finWait), fin);
    tunables_.setTimeout(kUdpTimeout, udp);
  }

  void see(const GoldenStep& step) {
    ParsedPacket parsed;
    HeldPacket held(step.packet);
    REQUIRE(parsePacket(held.packet(), parsed));
    Connection& connection = connections_[step.entry->client];
    const Side side = step.isFromClient ? Side::client : Side::server;
    if (beginsAnew(parsed, side, connection.state)) connection.state = 0;
    cells_.emplace(side, connection.state, parsed.event);
    connection.service = step.service;
    connection.protocol = parsed.protocol;
    connection.state = nextState(parsed.protocol, connection.state, parsed.event, /*isSecured=*/false, side);
    connection.expires = now_ + timeoutOf(tunables_, nullptr, parsed.protocol, connection.state);
  }

  void compare(const GoldenStep& step) {
    const auto found = connections_.find(step.entry->client);
    REQUIRE(found != connections_.end());
    const Connection& connection = found->second;
    const std::string at = step.entry->client + " after " + step.name + ": ";
    CHECK_EQ(at + std::string(stateName(connection.protocol, connection.state)), at + step.entry->state);
    // The recording rounds down, and took a moment to look.
    const Tick left = connection.expires - now_, recorded = ticksFromSeconds(step.entry->expires);
    const bool isTimely = left >= recorded && left <= recorded + ticksFromSeconds(1);
    CHECK_EQ(at + (isTimely ? "in time" : "early or late"), at + "in time");
    followed_++;
    if (step.service.empty()) return;
    const auto [active, inactive] = countsOf(step.service);
    CHECK_EQ(at + std::to_string(active) + " active", at + std::to_string(step.active) + " active");
    CHECK_EQ(at + std::to_string(inactive) + " inactive", at + std::to_string(step.inactive) + " inactive");
  }

  // With conn_reuse_mode 1, a client's packet that opens a connection does not find one that is over, but makes
  // another.
  static bool beginsAnew(const ParsedPacket& parsed, Side side, uint8_t state) {
    if (side != Side::client) return false;
    if (parsed.protocol == kSctpProtocol) {
      return parsed.event == static_cast<uint8_t>(SctpEvent::init) && state == static_cast<uint8_t>(SctpState::closed);
    }
    return parsed.event == static_cast<uint8_t>(TcpEvent::syn) &&
           (state == static_cast<uint8_t>(TcpState::timeWait) || state == static_cast<uint8_t>(TcpState::close));
  }

  std::pair<uint32_t, uint32_t> countsOf(const std::string& service) const {
    uint32_t active = 0, inactive = 0;
    for (const auto& [client, connection] : connections_) {
      if (connection.service != service) continue;
      (isActiveState(connection.protocol, connection.state) ? active : inactive)++;
    }
    return {active, inactive};
  }

  Tunables tunables_;
  Tick now_ = 0;
  std::map<std::string, Connection> connections_;  // by the client's end
  size_t followed_ = 0;
  std::set<Cell> cells_;  // that the recording shows
};

TEST("goes from state to state with the packets of both sides as an IPVS that masquerades") {
  const auto steps = goldenSteps("nat-states.json");
  if (!steps) SKIP("test/golden is not here");
  Replay replay;
  for (const GoldenStep& step : *steps) replay.follow(step);
  CHECK_EQ(replay.followed(), 183u);
}

// The list in it is what the recording shows of sctp_state_two_sided.cc; the other cells there have no other witness.
TEST("follows an SCTP association with the packets of both sides as an IPVS that masquerades") {
  const auto steps = goldenSteps("nat-sctp.json");
  if (!steps) SKIP("test/golden is not here");
  Replay replay;
  for (const GoldenStep& step : *steps) replay.follow(step);
  CHECK_EQ(replay.followed(), 53u);
  using enum SctpState;
  using Event = SctpEvent;
  const std::tuple<Side, SctpState, Event> shown[] = {
      {Side::client, none, Event::init},
      {Side::client, init1, Event::init},
      {Side::client, cookieSent, Event::cookieEcho},
      {Side::client, cookieSent, Event::abort},
      {Side::client, cookieEchoed, Event::cookieAck},
      {Side::client, established, Event::data},
      {Side::client, established, Event::init},
      {Side::client, established, Event::shutdown},
      {Side::client, shutdownSent, Event::shutdownAck},
      {Side::client, shutdownAckSent, Event::shutdownComplete},
      {Side::client, rejected, Event::init},
      {Side::server, init1, Event::data},
      {Side::server, init1, Event::init},
      {Side::server, init1, Event::initAck},
      {Side::server, init1, Event::shutdown},
      {Side::server, init1, Event::abort},
      {Side::server, init, Event::initAck},
      {Side::server, cookieSent, Event::initAck},
      {Side::server, cookieReplied, Event::cookieAck},
      {Side::server, cookieWait, Event::cookieEcho},
      {Side::server, established, Event::data},
      {Side::server, established, Event::initAck},
      {Side::server, established, Event::shutdown},
      {Side::server, established, Event::error},
      {Side::server, established, Event::abort},
      {Side::server, shutdownSent, Event::shutdownAck},
      {Side::server, shutdownReceived, Event::shutdownAck},
      {Side::server, shutdownAckSent, Event::shutdownComplete},
      {Side::server, closed, Event::shutdownComplete},
  };
  std::set<Cell> cells;
  for (const auto& [side, state, event] : shown)
    cells.emplace(side, static_cast<uint8_t>(state), static_cast<uint8_t>(event));
  CHECK(cells == replay.cells());
}

}  // namespace
}  // namespace tunvs::states_golden_test
