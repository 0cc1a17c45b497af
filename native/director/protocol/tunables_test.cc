#include "director/protocol/tunables.h"

#include "support/testing.h"

namespace tunvs::tunables_test {
namespace {

Tick seconds(uint32_t n) { return ticksFromSeconds(n); }

TEST("begins with IPVS's timeouts and switches") {
  const Tunables tunables;
  CHECK_EQ(tunables.tcpTimeout(TcpState::established), seconds(900));
  CHECK_EQ(tunables.tcpTimeout(TcpState::finWait), seconds(120));
  CHECK_EQ(tunables.udpTimeout(), seconds(300));
  CHECK_EQ(tunables.connReuseMode, 1);
  CHECK_EQ(tunables.expireNodestConn, 0);
  CHECK_EQ(tunables.sloppyTcp, 0);
  CHECK_EQ(tunables.amDroprate, 10);
  CHECK_EQ(tunables.amemthresh, 1024);
  for (const int32_t mode : {tunables.dropEntry, tunables.dropPacket, tunables.secureTcp}) CHECK_EQ(mode, 0);
  CHECK_EQ(tunables.expireQuiescentTemplate, 0);
  CHECK_EQ(tunables.scheduleIcmp, 0);
}

TEST("sets each timeout alone") {
  for (size_t i = 0; i < kTimeoutStates; i++) {
    Tunables tunables;
    tunables.setTimeout(i, 7);
    for (size_t j = 0; j < kTimeoutStates; j++)
      CHECK_EQ(tunables.timeouts[j], i == j ? seconds(7) : defaultTimeouts()[j]);
  }
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
    for (const int32_t value : {sysctl.minimum, sysctl.minimum + 1, sysctl.maximum}) {
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

TEST("keeps a switch that means nothing here, within its range") {
  for (size_t i = 0; i < std::size(kInertSysctls); i++) {
    const InertSysctlInfo& info = kInertSysctls[i];
    Tunables tunables;
    CHECK_EQ(tunables.inert.values[i], info.initial);
    for (const int32_t value : {info.minimum, info.maximum}) {
      CHECK(setSysctl(tunables, info.name, value).ok());
      CHECK_EQ(tunables.inert.values[i], value);
    }
    CHECK(!setSysctl(tunables, info.name, int64_t{info.maximum} + 1).ok());
    CHECK(!setSysctl(tunables, info.name, int64_t{info.minimum} - 1).ok());
    CHECK_EQ(tunables.inert.values[i], info.maximum);
    for (const auto& sysctl : kSysctls) CHECK(sysctl.name != info.name);
  }
}

TEST("names the existing switches when asked for another") {
  Tunables tunables;
  const auto refused = setSysctl(tunables, "cache_bypass", 1);
  REQUIRE(!refused.ok());
  CHECK(refused.error().code == ErrorCode::unsupported);
  for (const auto& sysctl : kSysctls) CHECK(refused.error().message.find(sysctl.name) != std::string::npos);
}

}  // namespace
}  // namespace tunvs::tunables_test
