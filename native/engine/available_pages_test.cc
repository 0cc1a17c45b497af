#include "engine/available_pages.h"

#include "support/testing.h"

namespace tunvs::available_pages_test {
namespace {

TEST("adds free pages and those of buffers") {
  const std::string_view text =
      "MemTotal:        8048476 kB\nMemFree:            4096 kB\nMemAvailable:    7000000 kB\n"
      "Buffers:             404 kB\nCached:          1000000 kB\n";
  CHECK(availablePages(text, 4096) == uint64_t{1125});
  CHECK(availablePages(text, 65536) == uint64_t{70});
}

TEST("matches whole names, reads numbers exactly, and returns nothing without them") {
  CHECK(availablePages("MemFreed: 1 kB\nMemFree: 8 kB\nBuffers: 0 kB", 4096) == uint64_t{2});
  for (const std::string_view text :
       {"", "MemFree: 8 kB", "Buffers: 8 kB\n", "MemFree: 8 kB\nBuffers:\n", "MemFree: kB\nBuffers: 8 kB\n",
        "xMemFree: 8 kB\nBuffers: 1 kB\n", "MemFree: 99999999999999999999999 kB\nBuffers: 8 kB\n"}) {
    CHECK(!availablePages(text, 4096).has_value());
  }
}

TEST("reads this host's number") {
  const auto pages = availablePages();
  REQUIRE(pages.has_value());
  CHECK(*pages > 0);
}

}  // namespace
}  // namespace tunvs::available_pages_test
