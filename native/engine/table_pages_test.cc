#include "engine/table_pages.h"

#include <sys/mman.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/worker.h"
#include "io/memory/memory_port.h"
#include "support/network_namespace.h"
#include "support/test_director.h"
#include "support/test_table.h"
#include "support/testing.h"

namespace tunvs::table_pages_test {
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

void insert(ConnTable& table, uint32_t number, Tick expires) {
  const FlowKey key = numberedKey(number);
  const uint64_t hash = table.hash(key);
  const ConnTable::Guard guard(table, hash);
  auto yes = [](Conn&) { return true; };
  table.insertLocked(key, hash, {.server = 1, .expires = expires}, table.timeLocked(hash),
                     testing::DeadlineJudge<decltype(yes)>{yes});
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

TEST("huge pages are asked for once, when a 64th of the capacity is live, for that table alone") {
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
  for (uint32_t i = 0; i < 1023; i++) insert(v4, i, 1000);
  CHECK(!pages.look(v4));
  CHECK(!hasFlag(v4.memory().data(), "hg"));
  CHECK_EQ(hasFlag(v4.memory().data(), "nh"), hasHugePages());
  insert(v4, 1023, 1000);
  CHECK(!pages.look(v6));
  CHECK(pages.look(v4));
  CHECK(!pages.look(v4));
  CHECK_EQ(hasFlag(v4.memory().data(), "hg"), hasHugePages());
  CHECK_EQ(hasFlag(&v4.memory().back(), "hg"), hasHugePages());
  CHECK(!hasFlag(v6.memory().data(), "hg"));
}

TEST("a worker that runs asks for huge pages when the table has filled") {
  DirectorOptions options = TestDirector::defaultOptions();
  options.maxConnections = 1024;
  options.now = testing::coarseTick();
  auto region = TableRegion::anonymous(Director::tableBytes(options), TableRegion::Pages::small);
  REQUIRE(region.ok());
  TestDirector t(options, region->span());
  t.addService();
  t.addServer(11);
  MemoryPort port(1, 2048);
  EventRing events;
  const auto worker = Worker::create({t.director, 0, port.queue(0), 2048, events, 0}).value();
  REQUIRE(worker->start().ok());
  for (uint16_t client = 2000; client < 2128; client++) {
    port.device().push(0, testing::PacketBuilder().ip("198.51.100.7", "192.0.2.10").tcp(client, 80, kTcpSyn).build());
  }
  const std::byte* memory = t.director.connTable(Family::ipv4).memory().data();
  CHECK(testing::eventually([&] { return hasFlag(memory, "hg") == hasHugePages() && port.out(0).packets() == 128; }));
  worker->stop();
  worker->join();
}

}  // namespace
}  // namespace tunvs::table_pages_test
