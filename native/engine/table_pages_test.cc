#include "engine/table_pages.h"

#include <sys/mman.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "support/test_director.h"
#include "support/test_table.h"
#include "support/testing.h"

namespace tunvs {
namespace {

using testing::numberedKey;
using testing::TestDirector;

size_t residentBytes(std::span<std::byte> memory) {
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  std::vector<unsigned char> isThere((memory.size() + page - 1) / page);
  CHECK_EQ(mincore(memory.data(), memory.size(), isThere.data()), 0);
  size_t pages = 0;
  for (const unsigned char each : isThere) pages += each & 1;
  return pages * page;
}

// Whether the mapping that holds this address has the flag, as smaps spells them.
bool hasFlag(const std::byte* address, const std::string& flag) {
  std::ifstream smaps("/proc/self/smaps");
  bool isHere = false;
  for (std::string line; std::getline(smaps, line);) {
    unsigned long begin = 0, end = 0;
    const auto at = reinterpret_cast<uintptr_t>(address);
    if (sscanf(line.c_str(), "%lx-%lx ", &begin, &end) == 2) isHere = at >= begin && at < end;
    if (isHere && line.starts_with("VmFlags:")) return (line + " ").find(" " + flag + " ") != std::string::npos;
  }
  return false;
}

bool hasHugePages() { return access("/sys/kernel/mm/transparent_hugepage/enabled", R_OK) == 0; }

TEST("an engine's tables of the default capacity take less than 1 MiB while there is no connection") {
  DirectorOptions options = TestDirector::defaultOptions();
  options.maxConnections = 1u << 20;
  const auto engine = Engine::create(options).value();
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    const auto memory = engine->director().connTable(family).memory();
    CHECK(memory.size() > size_t{50} << 20);
    CHECK(residentBytes(memory) < size_t{1} << 20);
  }
}

TEST("huge pages are asked for once, when a sixteenth of the capacity is live, for that table alone") {
  DirectorOptions options = TestDirector::defaultOptions();
  options.maxConnections = 1u << 16;
  auto region = TableRegion::anonymous(Director::tableBytes(options), TableRegion::Pages::small);
  REQUIRE(region.ok());
  Epochs epochs;
  const size_t v4Bytes = ConnTable::regionBytes(Family::ipv4, options.maxConnections);
  ConnTable v4 = ConnTable::create(region->span(), Family::ipv4, options.maxConnections, options.secret, 0, epochs);
  ConnTable v6 = ConnTable::create(region->span().subspan(v4Bytes), Family::ipv6, options.maxConnections,
                                   options.secret, 0, epochs);
  TablePages pages;
  const auto insert = [&](uint32_t number) {
    const FlowKey key = numberedKey(number);
    const uint64_t hash = v4.hash(key);
    const ConnTable::Guard guard(v4, hash);
    auto yes = [](Conn&) { return true; };
    v4.insertLocked(key, hash, {.server = 1, .expires = 1000}, v4.timeLocked(hash),
                    testing::DeadlineJudge<decltype(yes)>{yes});
  };
  for (uint32_t i = 0; i < 4095; i++) insert(i);
  CHECK(!pages.look(v4));
  CHECK(!hasFlag(v4.memory().data(), "hg"));
  CHECK_EQ(hasFlag(v4.memory().data(), "nh"), hasHugePages());
  insert(4095);
  CHECK(!pages.look(v6));
  CHECK(pages.look(v4));
  CHECK(!pages.look(v4));
  CHECK_EQ(hasFlag(v4.memory().data(), "hg"), hasHugePages());
  CHECK_EQ(hasFlag(&v4.memory().back(), "hg"), hasHugePages());
  CHECK(!hasFlag(v6.memory().data(), "hg"));
}

}  // namespace
}  // namespace tunvs
