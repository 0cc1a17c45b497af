#include "director/protocol/timeouts.h"

#include <set>

#include "director/protocol/protocol_state.h"
#include "support/testing.h"

namespace tunvs::timeouts_test {
namespace {

TEST("numbers every state of every protocol once, each with a name of its own and IPVS's timeout") {
  const TimeoutTicks defaults = defaultTimeouts();
  std::set<size_t> indexes;
  for (uint8_t state = 0; state < kTcpStates; state++) {
    const size_t index = timeoutIndex(kTcpProtocol, state);
    indexes.insert(index);
    CHECK_EQ(timeoutProtocol(index), kTcpProtocol);
    CHECK_EQ(defaults[index], ticksFromSeconds(kTcpDefaultTimeouts[state]));
  }
  for (uint8_t state = 0; state < kSctpStates; state++) {
    const size_t index = timeoutIndex(kSctpProtocol, state);
    indexes.insert(index);
    CHECK_EQ(timeoutProtocol(index), kSctpProtocol);
    CHECK(kTimeoutNames[index].starts_with("sctp"));
    CHECK_EQ(defaults[index], ticksFromSeconds(kSctpDefaultTimeouts[state]));
  }
  const size_t udp = timeoutIndex(kUdpProtocol, 0);
  indexes.insert(udp);
  CHECK_EQ(timeoutProtocol(udp), kUdpProtocol);
  CHECK_EQ(defaults[udp], ticksFromSeconds(300));
  CHECK_EQ(indexes.size(), kTimeoutStates);
  CHECK_EQ(*indexes.rbegin(), kTimeoutStates - 1);
  CHECK_EQ(std::set<std::string_view>(std::begin(kTimeoutNames), std::end(kTimeoutNames)).size(), kTimeoutStates);
}

TEST("names TCP's states as the listing does, in other letters") {
  for (size_t i = 0; i < kTcpStates; i++) {
    std::string listed, named;
    for (const char c : kTcpStateNames[i]) {
      if (c != '_') listed += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    for (const char c : kTimeoutNames[i]) named += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    CHECK_EQ(named, listed);
  }
}

TEST("prefers a service's own timeout, state by state") {
  Tunables tunables;
  TimeoutOverrides own;
  own.seconds[timeoutIndex(TcpState::finWait)] = 7;
  const TimeoutTicks ticks = own.ticks();
  for (uint8_t state = 0; state < kTcpStates; state++) {
    const Tick global = ticksFromSeconds(kTcpDefaultTimeouts[state]);
    CHECK_EQ(timeoutOf(tunables, nullptr, kTcpProtocol, state), global);
    const bool isOwn = static_cast<TcpState>(state) == TcpState::finWait;
    CHECK_EQ(timeoutOf(tunables, &ticks, kTcpProtocol, state), isOwn ? ticksFromSeconds(7) : global);
  }
  CHECK_EQ(timeoutOf(tunables, &ticks, kUdpProtocol, 0), ticksFromSeconds(300));
}

TEST("refuses timeouts of another protocol's states, and those that are too long, by name") {
  for (size_t i = 0; i < kTimeoutStates; i++) {
    TimeoutOverrides one;
    one.seconds[i] = kMaxTimeoutSeconds;
    for (const uint8_t protocol : {kTcpProtocol, kUdpProtocol, kSctpProtocol}) {
      const auto checked = checkTimeouts(one, protocol);
      CHECK_EQ(checked.ok(), timeoutProtocol(i) == protocol);
      if (!checked.ok()) CHECK(checked.error().message.find(kTimeoutNames[i]) != std::string::npos);
    }
    CHECK(checkTimeouts(one, 0).ok());
    one.seconds[i]++;
    const auto tooLong = checkTimeouts(one, 0);
    REQUIRE(!tooLong.ok());
    CHECK(tooLong.error().message.find("2678401") != std::string::npos);
  }
  CHECK(checkTimeouts({}, kTcpProtocol).ok());
}

}  // namespace
}  // namespace tunvs::timeouts_test
