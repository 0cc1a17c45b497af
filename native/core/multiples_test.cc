#include "core/multiples.h"

#include "support/random.h"
#include "support/testing.h"

namespace tunvs::multiples_test {

using namespace testing;

TEST("the multiples of a number are those that it divides") {
  Random random(7);
  for (const uint32_t divisor : {1u, 2u, 3u, 10u, 50u, 64u, 641u, 1u << 31, UINT32_MAX - 1, UINT32_MAX}) {
    const Multiples multiples(divisor);
    for (const uint32_t number : {0u, 1u, 2u, 49u, 50u, 51u, divisor - 1, divisor, UINT32_MAX - 1, UINT32_MAX}) {
      CHECK_EQ(multiples.has(number), number % divisor == 0);
    }
    for (int i = 0; i < 10'000; i++) {
      const auto number = static_cast<uint32_t>(random.next());
      CHECK_EQ(multiples.has(number), number % divisor == 0);
      CHECK(multiples.has(number / divisor * divisor));
      CHECK(Multiples::any().has(number));
    }
  }
}

}  // namespace tunvs::multiples_test
