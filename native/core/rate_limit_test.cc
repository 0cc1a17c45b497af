#include "core/rate_limit.h"

#include "support/testing.h"

namespace tunvs::rate_limit_test {
namespace {

// Returns how many of `asked` answers are granted at `now`.
uint32_t granted(RateLimit& limit, Tick now, uint32_t asked) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < asked; i++) count += limit.take(now) ? 1 : 0;
  return count;
}

TEST("a rate limit grants its burst at once, at whatever tick it is asked first") {
  for (const Tick start : {Tick{0}, Tick{12345}, Tick{0x80000000}, Tick{0xffffffff}}) {
    RateLimit limit(1000, 50);
    CHECK_EQ(granted(limit, start, 80), 50u);
    CHECK_EQ(limit.suppressed(), 30u);
  }
}

TEST("a rate limit refills by its rate, and never above its burst") {
  RateLimit limit(1000, 50);
  granted(limit, 100, 50);
  CHECK_EQ(granted(limit, 100, 1), 0u);
  CHECK_EQ(granted(limit, 101, 80), 4u);  // 1000 a second are 4 a tick
  CHECK_EQ(granted(limit, 104, 80), 12u);
  CHECK_EQ(granted(limit, 100000, 80), 50u);
}

TEST("a rate that is not a whole number of answers a tick is kept exactly") {
  for (const uint32_t perSecond : {1u, 3u, 7u, 249u, 251u, 999u}) {
    RateLimit limit(perSecond, 10);
    granted(limit, 0, 10);
    uint64_t total = 0;
    for (Tick now = 1; now <= 3600 * kTicksPerSecond; now++) total += granted(limit, now, 10);
    CHECK_EQ(total, uint64_t{perSecond} * 3600);
  }
}

TEST("a rate limit keeps working when its clock wraps") {
  RateLimit limit(250, 5);
  granted(limit, 0xfffffffe, 5);
  CHECK_EQ(granted(limit, 0xffffffff, 5), 1u);
  CHECK_EQ(granted(limit, 0x00000001, 5), 2u);
}

TEST("a clock that goes back brings no credit and holds up no later answer") {
  RateLimit limit(250, 5);
  granted(limit, 1000, 5);
  CHECK_EQ(granted(limit, 900, 5), 0u);
  CHECK_EQ(granted(limit, 902, 5), 2u);
}

TEST("a rate of 0 grants the burst once, and a burst of 0 grants nothing") {
  RateLimit once(0, 3), never(1000, 0);
  CHECK_EQ(granted(once, 1, 10), 3u);
  CHECK_EQ(granted(once, 1000000, 10), 0u);
  CHECK_EQ(granted(never, 1000000, 10), 0u);
  CHECK_EQ(never.suppressed(), 10u);
}

TEST("the greatest rate and burst do not overflow") {
  RateLimit limit(UINT32_MAX, UINT32_MAX);
  CHECK_EQ(granted(limit, 0x7fffffff, 1000), 1000u);
  CHECK_EQ(granted(limit, 0xfffffffe, 1000), 1000u);
}

}  // namespace
}  // namespace tunvs::rate_limit_test
