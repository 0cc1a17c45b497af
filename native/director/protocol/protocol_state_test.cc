#include "director/protocol/protocol_state.h"

#include <initializer_list>
#include <set>
#include <span>
#include <vector>

#include "support/testing.h"

namespace tunvs::protocol_state_test {
namespace {

constexpr Side kSides[] = {Side::clientOnly, Side::client, Side::server};
constexpr uint8_t kProtocols[] = {kTcpProtocol, kUdpProtocol, kSctpProtocol};

size_t statesOf(uint8_t protocol) {
  return protocol == kTcpProtocol ? kTcpStates : protocol == kSctpProtocol ? kSctpStates : 1;
}
size_t eventsOf(uint8_t protocol) {
  return protocol == kTcpProtocol    ? static_cast<size_t>(TcpEvent::kCount)
         : protocol == kSctpProtocol ? static_cast<size_t>(SctpEvent::kCount)
                                     : 1;
}

// Returns the states that packets of these sides lead to, from the beginning.
std::set<uint8_t> reachable(uint8_t protocol, bool isSecured, std::span<const Side> sides) {
  std::set<uint8_t> found = {0};
  std::vector<uint8_t> left = {0};
  while (!left.empty()) {
    const uint8_t state = left.back();
    left.pop_back();
    for (const Side side : sides) {
      for (size_t event = 0; event < eventsOf(protocol); event++) {
        const uint8_t next = nextState(protocol, state, static_cast<uint8_t>(event), isSecured, side);
        if (found.insert(next).second) left.push_back(next);
      }
    }
  }
  return found;
}

TEST("leads every packet from every state to a state that has a name and a timeout") {
  const Tunables tunables;
  for (const uint8_t protocol : kProtocols) {
    for (const Side side : kSides) {
      for (const bool isSecured : {false, true}) {
        for (size_t state = 0; state < statesOf(protocol); state++) {
          for (size_t event = 0; event < eventsOf(protocol); event++) {
            const uint8_t next =
                nextState(protocol, static_cast<uint8_t>(state), static_cast<uint8_t>(event), isSecured, side);
            REQUIRE(next < statesOf(protocol));
            CHECK(!stateName(protocol, next).empty());
            CHECK(timeoutOf(tunables, nullptr, protocol, next) > 0);
          }
        }
      }
    }
  }
}

TEST("says the same as the question without a side when the server's packets are not seen") {
  for (const uint8_t protocol : kProtocols) {
    for (const bool isSecured : {false, true}) {
      for (size_t i = 0; i < statesOf(protocol); i++) {
        for (size_t j = 0; j < eventsOf(protocol); j++) {
          const auto state = static_cast<uint8_t>(i), event = static_cast<uint8_t>(j);
          CHECK_EQ(nextState(protocol, state, event, isSecured, Side::clientOnly),
                   nextState(protocol, state, event, isSecured));
        }
      }
    }
  }
}

TEST("reaches some states only by the packets of both sides") {
  const Side alone[] = {Side::clientOnly}, both[] = {Side::client, Side::server};
  const auto tcp = [](std::initializer_list<TcpState> states) {
    std::set<uint8_t> numbers;
    for (const TcpState state : states) numbers.insert(static_cast<uint8_t>(state));
    return numbers;
  };
  using enum TcpState;
  CHECK(reachable(kTcpProtocol, false, alone) == tcp({none, established, synRecv, finWait, timeWait, close}));
  CHECK(reachable(kTcpProtocol, true, alone) == tcp({none, established, synAck, finWait, timeWait, close}));
  // LISTEN and LAST_ACK begin only where something else sets them: FTP, another director.
  CHECK(reachable(kTcpProtocol, false, both) ==
        tcp({none, established, synSent, synRecv, finWait, timeWait, close, closeWait}));
  CHECK(reachable(kTcpProtocol, true, both) ==
        tcp({none, established, synSent, synRecv, finWait, timeWait, close, closeWait, synAck}));
  CHECK_EQ(reachable(kSctpProtocol, false, both).size(), kSctpStates);
  CHECK(!reachable(kSctpProtocol, false, alone).contains(static_cast<uint8_t>(SctpState::rejected)));
}

TEST("tells of each state how far the connection has come, also of those that take both sides' packets") {
  const struct {
    std::initializer_list<TcpState> tcp;
    std::initializer_list<SctpState> sctp;
    Phase phase;
  } table[] = {
      {{TcpState::none, TcpState::listen}, {SctpState::none}, Phase::begun},
      {{TcpState::synSent, TcpState::synRecv, TcpState::synAck},
       {SctpState::init1, SctpState::init, SctpState::cookieSent, SctpState::cookieReplied, SctpState::cookieWait,
        SctpState::cookie, SctpState::cookieEchoed},
       Phase::opening},
      {{TcpState::established}, {SctpState::established}, Phase::established},
      {{TcpState::finWait, TcpState::timeWait, TcpState::close, TcpState::closeWait, TcpState::lastAck},
       {SctpState::shutdownSent, SctpState::shutdownReceived, SctpState::shutdownAckSent, SctpState::rejected,
        SctpState::closed},
       Phase::closing},
  };
  size_t states = 0;
  for (const auto& row : table) {
    for (const TcpState state : row.tcp) CHECK(phaseOf(state) == row.phase);
    for (const SctpState state : row.sctp) CHECK(phaseOf(state) == row.phase);
    states += row.tcp.size() + row.sctp.size();
  }
  CHECK_EQ(states, kTcpStates + kSctpStates);
}

TEST("takes a connection as closed when it was reset, aborted or refused") {
  for (uint8_t i = 0; i < kTcpStates; i++)
    CHECK_EQ(isClosed(kTcpProtocol, i), static_cast<TcpState>(i) == TcpState::close);
  for (uint8_t i = 0; i < kSctpStates; i++) {
    const auto state = static_cast<SctpState>(i);
    CHECK_EQ(isClosed(kSctpProtocol, i), state == SctpState::closed || state == SctpState::rejected);
  }
  CHECK(!isClosed(kUdpProtocol, 0));
}

TEST("assures a template by an established connection, and by an answer of UDP") {
  for (const uint8_t protocol : {kTcpProtocol, kSctpProtocol}) {
    for (uint8_t state = 0; state < statesOf(protocol); state++) {
      for (const Side side : kSides)
        CHECK_EQ(assuresTemplate(protocol, state, side), state == establishedState(protocol));
    }
  }
  CHECK(assuresTemplate(kUdpProtocol, 0, Side::server));
  CHECK(!assuresTemplate(kUdpProtocol, 0, Side::client));
  CHECK(!assuresTemplate(kUdpProtocol, 0, Side::clientOnly));
}

}  // namespace
}  // namespace tunvs::protocol_state_test
