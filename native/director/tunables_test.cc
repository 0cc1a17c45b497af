#include "director/tunables.h"

#include "support/testing.h"

namespace tunvs {
namespace {

Tick seconds(uint32_t n) { return ticksFromSeconds(n); }

TEST("begins with IPVS's timeouts and switches") {
  const Tunables tunables;
  CHECK_EQ(tunables.tcpTimeout(TcpState::established), seconds(900));
  CHECK_EQ(tunables.tcpTimeout(TcpState::finWait), seconds(120));
  CHECK_EQ(tunables.udpTimeout, seconds(300));
  CHECK_EQ(tunables.connReuseMode, 1);
  CHECK_EQ(tunables.expireNodestConn, 0);
  CHECK_EQ(tunables.sloppyTcp, 0);
}

TEST("sets each of the three timeouts alone, 0 leaving one as it is") {
  Tunables tunables;
  CHECK(setTimeouts(tunables, 60, 0, 0).ok());
  CHECK_EQ(tunables.tcpTimeout(TcpState::established), seconds(60));
  CHECK_EQ(tunables.tcpTimeout(TcpState::finWait), seconds(120));
  CHECK(setTimeouts(tunables, 0, 5, 7).ok());
  CHECK_EQ(tunables.tcpTimeout(TcpState::established), seconds(60));
  CHECK_EQ(tunables.tcpTimeout(TcpState::finWait), seconds(5));
  CHECK_EQ(tunables.udpTimeout, seconds(7));
  for (const TcpState state : {TcpState::synRecv, TcpState::timeWait, TcpState::close}) {
    CHECK_EQ(tunables.tcpTimeout(state), seconds(kTcpDefaultTimeouts[static_cast<size_t>(state)]));
  }
}

TEST("refuses a timeout above 31 days and changes nothing then") {
  Tunables tunables;
  CHECK(setTimeouts(tunables, kMaxTimeoutSeconds, kMaxTimeoutSeconds, kMaxTimeoutSeconds).ok());
  const auto refused = setTimeouts(tunables, 1, 1, kMaxTimeoutSeconds + 1);
  REQUIRE(!refused.ok());
  CHECK(refused.error().code == ErrorCode::invalidArgument);
  CHECK(refused.error().message.find("2678401") != std::string::npos);
  CHECK_EQ(tunables.tcpTimeout(TcpState::established), seconds(kMaxTimeoutSeconds));
  CHECK(!setTimeouts(tunables, UINT32_MAX, 0, 0).ok());
}

TEST("keeps the longest timeout comparable to the clock") {
  CHECK(seconds(kMaxTimeoutSeconds) < 1u << 31);
  const Tick now = UINT32_MAX - 5;
  CHECK(!reached(now, now + seconds(kMaxTimeoutSeconds)));
  CHECK(reached(now + seconds(kMaxTimeoutSeconds), now + seconds(kMaxTimeoutSeconds)));
}

TEST("sets a switch within its range and refuses the rest by name") {
  for (const auto& sysctl : kSysctls) {
    Tunables tunables;
    for (int32_t value = sysctl.minimum; value <= sysctl.maximum; value++) {
      CHECK(setSysctl(tunables, sysctl.name, value).ok());
      CHECK_EQ(tunables.*sysctl.field, value);
    }
    for (const int64_t value :
         {int64_t{sysctl.minimum} - 1, int64_t{sysctl.maximum} + 1, int64_t{1} << 32, INT64_MIN}) {
      const auto refused = setSysctl(tunables, sysctl.name, value);
      REQUIRE(!refused.ok());
      CHECK(refused.error().code == ErrorCode::invalidArgument);
      CHECK(refused.error().message.find(sysctl.name) != std::string::npos);
      CHECK_EQ(tunables.*sysctl.field, sysctl.maximum);
    }
  }
}

TEST("names the switches that there are when asked for another") {
  Tunables tunables;
  const auto refused = setSysctl(tunables, "snat_reroute", 1);
  REQUIRE(!refused.ok());
  CHECK(refused.error().code == ErrorCode::unsupported);
  for (const auto& sysctl : kSysctls) CHECK(refused.error().message.find(sysctl.name) != std::string::npos);
}

}  // namespace
}  // namespace tunvs
