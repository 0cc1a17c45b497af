#include "engine/page_use.h"

#include <sys/mman.h>
#include <unistd.h>

#include <random>
#include <string>

#include "engine/table_region.h"
#include "support/testing.h"

namespace tunvs::page_use_test {
namespace {

constexpr std::string_view kTwoMappings =
    "7f0000000000-7f0000400000 rw-p 00000000 00:00 0 \n"
    "Size:               4096 kB\n"
    "Rss:                3072 kB\n"
    "AnonHugePages:      2048 kB\n"
    "VmFlags: rd wr mr mw me ac sd hg \n"
    "7f0000400000-7f0000800000 rw-p 00000000 00:00 0                          [anon: Rss: 9 kB]\n"
    "Rss:                  16 kB\n"
    "AnonHugePages:         0 kB\n";

std::span<const std::byte> memoryAt(uintptr_t begin, size_t bytes) {
  return {reinterpret_cast<const std::byte*>(begin), bytes};
}

TEST("counts the mappings that the memory touches, and no others") {
  const PageUse both = pageUseIn(kTwoMappings, memoryAt(0x7f0000000000, 8 << 20));
  CHECK_EQ(both.residentBytes, uint64_t{3088} << 10);
  CHECK_EQ(both.hugeBytes, uint64_t{2048} << 10);
  const PageUse second = pageUseIn(kTwoMappings, memoryAt(0x7f0000400000, 4 << 20));
  CHECK_EQ(second.residentBytes, uint64_t{16} << 10);
  CHECK_EQ(second.hugeBytes, uint64_t{0});
  CHECK_EQ(pageUseIn(kTwoMappings, memoryAt(0x7f0000800000, 4096)).residentBytes, uint64_t{0});
}

TEST("a mapping that is larger than the memory counts for no more than the memory") {
  const PageUse use = pageUseIn(kTwoMappings, memoryAt(0x7f0000100000, 1 << 20));
  CHECK_EQ(use.residentBytes, uint64_t{1} << 20);
  CHECK_EQ(use.hugeBytes, uint64_t{1} << 20);
}

TEST("lines that say nothing that is understood are passed over") {
  const std::span<const std::byte> memory = memoryAt(0x1000, 0x1000);
  for (const std::string_view line : {"Rss: 4 kB", "Rss:", "Rss: x kB", "Rss: 99999999999999999999 kB", "Rss: 4",
                                      "Rss: 18446744073709551615 kB", "Rss: -4 kB", "AnonHugePages:   "}) {
    CHECK_EQ(pageUseIn(line, memory).residentBytes, uint64_t{0});
    const PageUse use = pageUseIn("1000-2000 rw-p\n" + std::string(line), memory);
    CHECK_EQ(use.residentBytes, line == "Rss: 4 kB" ? uint64_t{4096} : uint64_t{0});
    CHECK_EQ(use.hugeBytes, uint64_t{0});
  }
  for (const std::string_view line : {"1000", "1000-", "1000-2000", "-2000 ", "2000-1000 rw-p", ""})
    CHECK_EQ(pageUseIn(std::string(line) + "\nRss: 4 kB\n", memory).residentBytes, uint64_t{0});
}

TEST("text that is cut or changed anywhere never counts more than the memory for each mapping") {
  std::mt19937 random(5);
  const std::span<const std::byte> memory = memoryAt(0x7f0000000000, 4 << 20);
  for (int round = 0; round < 3000; round++) {
    std::string text(kTwoMappings.substr(0, random() % (kTwoMappings.size() + 1)));
    for (uint32_t i = random() % 4; i > 0 && !text.empty(); i--)
      text[random() % text.size()] = static_cast<char>(random());
    const PageUse use = pageUseIn(text, memory);
    CHECK(use.residentBytes <= 2 * memory.size());
    CHECK(use.hugeBytes <= 2 * memory.size());
  }
}

PageUse pageUse(std::span<const std::byte> memory) { return pageUseIn(readSmaps().value(), memory); }

TEST("memory of this process is counted once it is touched, in huge pages where the kernel gave them") {
  auto small = TableRegion::anonymous(size_t{8} << 20, TableRegion::Pages::small);
  REQUIRE(small.ok());
  const uint64_t before = pageUse(small->span()).residentBytes;
  CHECK(before <= 4096u);
  for (size_t at = 0; at < (size_t{2} << 20); at += 4096) small->span()[at] = std::byte{1};
  const PageUse touched = pageUse(small->span());
  CHECK_EQ(touched.residentBytes, before + (uint64_t{2} << 20));
  CHECK_EQ(touched.hugeBytes, uint64_t{0});
  auto huge = TableRegion::anonymous(size_t{8} << 20);
  REQUIRE(huge.ok());
  for (std::byte& each : huge->span()) each = std::byte{1};
  const PageUse all = pageUse(huge->span());
  CHECK_EQ(all.residentBytes, uint64_t{8} << 20);
  CHECK(all.hugeBytes <= all.residentBytes);
}

}  // namespace
}  // namespace tunvs::page_use_test
