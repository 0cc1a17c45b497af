#include "core/remainder.h"

#include "support/random.h"
#include "support/testing.h"

namespace tunvs::remainder_test {

using namespace testing;

TEST("a remainder is that of the division") {
  Random random(7);
  for (const uint32_t divisor : {1u, 2u, 3u, 50u, 64u, 641u, 1u << 31, UINT32_MAX - 1, UINT32_MAX}) {
    const Remainder remainder(divisor);
    for (const uint32_t number : {0u, 1u, 2u, 49u, 50u, 51u, divisor - 1, divisor, UINT32_MAX - 1, UINT32_MAX}) {
      CHECK_EQ(remainder.of(number), number % divisor);
    }
    for (int i = 0; i < 10'000; i++) {
      const auto number = static_cast<uint32_t>(random.next());
      CHECK_EQ(remainder.of(number), number % divisor);
    }
  }
}

}  // namespace tunvs::remainder_test
