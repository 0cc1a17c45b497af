#include "sync/sequence_window.h"

#include <algorithm>
#include <set>
#include <vector>

#include "support/random.h"
#include "support/testing.h"

namespace tunvs::sequence_window_test {

using testing::Random;

TEST("a sequence number is taken once, in any order within 64") {
  SequenceWindow window(100);
  CHECK(!window.take(100));
  CHECK(window.take(103));
  CHECK(window.take(101));
  CHECK(!window.take(101) && !window.take(103));
  CHECK(window.take(102 + 64));
  CHECK(!window.take(102));
  CHECK(window.take(104));
}

TEST("a number that has not come by the time it leaves the window, or is settled, is lost") {
  SequenceWindow window;
  for (const uint64_t each : {1, 2, 4}) CHECK(window.take(each));
  CHECK_EQ(window.lost(), 0);
  window.settle(4);
  CHECK_EQ(window.lost(), 1);
  CHECK(!window.take(3));
  window.settle(10);
  CHECK_EQ(window.lost(), 7);
  CHECK(window.take(1000));
  CHECK_EQ(window.lost(), 7 + 1000 - 64 - 10);
  CHECK_EQ(window.newest(), 1000);
}

TEST("whatever comes in whatever order, each number is taken or lost, and never both") {
  Random random(7);
  for (int round = 0; round < 300; round++) {
    const uint64_t first = 10 + random.below(random.oneIn(2) ? 1 : 1u << 30);
    SequenceWindow window(first);
    std::set<uint64_t> taken;
    uint64_t at = first;
    for (int i = 0; i < 400; i++) {
      at += random.oneIn(20) ? random.below(200) : random.below(3);
      const uint64_t sequence = random.oneIn(3) ? at - std::min<uint64_t>(at, random.below(80)) : at;
      if (window.take(sequence)) {
        REQUIRE(CHECK(taken.insert(sequence).second));
        REQUIRE(CHECK(sequence > first));
      }
      if (random.oneIn(10)) window.settle(window.newest() - random.below(3));
      const auto settled =
          static_cast<uint64_t>(std::ranges::count_if(taken, [&](uint64_t each) { return each <= window.settled(); }));
      REQUIRE(CHECK_EQ(settled + window.lost(), window.settled() - first));
    }
  }
}

}  // namespace tunvs::sequence_window_test
