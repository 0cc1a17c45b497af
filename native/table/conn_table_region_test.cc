#include "support/random.h"
#include "support/test_table.h"
#include "support/testing.h"
#include "table/conn_table.h"

namespace tunvs::conn_table_region_test {
namespace {

using testing::numberedKey;
using testing::TableMemory;
using testing::TestTable;

constexpr Family kFamilies[] = {Family::ipv4, Family::ipv6};

// Returns the bytes of `t` at another address, as another process finds them.
TableMemory copyOf(const TestTable& t) {
  const auto from = t.memory.span();
  TableMemory memory(from.size());
  std::memcpy(memory.span().data(), from.data(), from.size());
  return memory;
}

TEST("a table is taken over with its connections at another address") {
  for (const Family family : kFamilies) {
    TestTable t(70000, family, 5000);
    for (uint32_t i = 0; i < 30000; i++) t.insert(numberedKey(i, family), 6000 + i % 100 * 100, i);
    for (uint32_t i = 0; i < 30000; i += 10) t.remove(numberedKey(i, family));
    const TableMemory memory = copyOf(t);
    std::memset(t.memory.span().data(), 0xee, t.memory.span().size());  // nothing may point back

    Epochs epochs;
    auto attached = ConnTable::attach(memory.span(), /*now=*/5000, epochs);
    REQUIRE(attached.ok());
    ConnTable& table = attached.value();
    CHECK(table.family() == family);
    CHECK_EQ(table.capacity(), 70000u);
    CHECK_EQ(table.liveCount(), 27000u);
    for (uint32_t i = 0; i < 30000; i++) {
      const FlowKey key = numberedKey(i, family);
      const Conn* conn = table.find(key, table.hash(key));
      if (!CHECK_EQ(conn != nullptr, i % 10 != 0)) return;
      if (conn != nullptr && !CHECK_EQ(conn->server.load(), i)) return;
    }
    size_t expired = 0;
    for (uint32_t shard = 0; shard < table.shardCount(); shard++) {
      testing::expireShard(table, shard, 20000, true, SIZE_MAX, [&](Conn&) {
        expired++;
        return 0u;
      });
    }
    CHECK_EQ(expired, 27000u);
    CHECK_EQ(table.liveCount(), 0u);
  }
}

TEST("a table takes new connections after a takeover, whatever epoch the old process was in") {
  for (const uint64_t oldEpochs : {uint64_t{0}, uint64_t{1000000}}) {
    TestTable t;
    for (uint64_t i = 0; i < oldEpochs; i++) t.epochs.advance();
    // Every unit was used and waits for readers of the old process.
    for (uint32_t i = 0; i < 2000; i++) {
      t.epochs.enter(0);
      t.insert(numberedKey(i), 1000);
    }
    t.removeIf([](Conn&) { return true; });
    const TableMemory memory = copyOf(t);
    Epochs epochs;
    auto attached = ConnTable::attach(memory.span(), /*now=*/0, epochs);
    REQUIRE(attached.ok());
    ConnTable& table = attached.value();
    uint32_t inserted = 0;
    for (uint32_t i = 0; i < table.capacity(); i++) {
      const FlowKey key = numberedKey(i);
      const uint64_t hash = table.hash(key);
      const ConnTable::Guard guard(table, hash);
      const auto keepsAll = [](Conn&) { return false; };
      inserted += table.insertLocked(key, hash, {.server = 0, .expires = 1000}, /*now=*/0,
                                     testing::DeadlineJudge<decltype(keepsAll)>{keepsAll}) != nullptr;
    }
    CHECK_EQ(inserted, table.capacity());
  }
}

TEST("a table is taken over even when its last owner died holding a lock") {
  TestTable t;
  const FlowKey key = numberedKey(1);
  t.insert(key, 1000);
  const uint64_t hash = t.table.hash(key);
  const ConnTable::Guard heldForever(t.table, hash);
  const TableMemory memory = copyOf(t);
  Epochs epochs;
  auto attached = ConnTable::attach(memory.span(), /*now=*/0, epochs);
  REQUIRE(attached.ok());
  const ConnTable::Guard guard(attached.value(), hash);  // would sleep forever
  CHECK(attached.value().find(key, hash) != nullptr);
}

// A table that was taken over works, whatever its owner was doing when it died, and whatever was written into its
// memory.
TEST("a table is taken over whatever is in it, and works") {
  for (const Family family : kFamilies) {
    for (uint64_t seed = 1; seed <= 60; seed++) {
      testing::Random random(seed);
      TestTable t(seed % 4 == 0 ? 70000 : 1024, family, 5000);
      for (uint32_t i = 0; i < 1000; i++) t.insert(numberedKey(i, family), 6000 + i % 100 * 100, i);
      for (uint32_t i = 0; i < 1000; i += 10) t.remove(numberedKey(i, family));
      const TableMemory memory = copyOf(t);
      const auto bytes = memory.span();
      const size_t header = 4096;
      for (uint32_t hit = random.below(200); hit > 0; hit--) {
        // The place is anywhere, or at the beginning of a shard, where it keeps its own state.
        const bool isState = random.oneIn(2);
        const size_t shard =
            header + (bytes.size() - header) / t.table.shardCount() * random.below(t.table.shardCount());
        const size_t at = isState ? shard + random.below(128) : header + random.next() % (bytes.size() - header);
        bytes[at] = static_cast<std::byte>(random.oneIn(3) ? 0xff : random.below(256));
      }
      Epochs epochs;
      auto attached = ConnTable::attach(bytes, /*now=*/5000, epochs);
      if (!CHECK(attached.ok())) return;
      ConnTable& table = attached.value();
      for (uint32_t i = 0; i < 3000; i++) {
        const FlowKey key = numberedKey(i, family);
        const uint64_t hash = table.hash(key);
        const ConnTable::Guard guard(table, hash);
        const auto gives = [](Conn&) { return true; };
        if (Conn* conn = table.find(key, hash)) {
          if (i % 3 == 0) table.removeLocked(conn, hash);
          if (i % 3 == 1) table.moveLocked(conn, hash, {Standing::closing, 7000});
        } else if (!CHECK(table.insertLocked(key, hash, {.server = 0, .expires = 9000}, /*now=*/6000,
                                             testing::DeadlineJudge<decltype(gives)>{gives}) != nullptr)) {
          return;
        }
        if (i % 50 == 0) epochs.advance();
      }
      uint64_t visited = 0;
      table.forEach(0, SIZE_MAX, [&](const Conn&) { visited++; });
      CHECK_EQ(visited, table.liveCount());
      for (uint32_t shard = 0; shard < table.shardCount(); shard++) {
        for (uint32_t unit = 0;;) {
          unit = table.removeIf(shard, unit, [](Conn&) { return true; });
          if (unit == 0) break;
        }
      }
      CHECK_EQ(table.liveCount(), 0u);
      for (uint32_t i = 0; i < 3000; i++) {
        const FlowKey key = numberedKey(i, family);
        CHECK_EQ(table.find(key, table.hash(key)), nullptr);
      }
    }
  }
}

TEST("memory that holds no table is refused, and the error says why") {
  const TestTable t(4096);
  // The header's fields have these offsets: magic 0, version 8, family 12, capacity 16, shards 20, ...
  const struct {
    const char* why;
    size_t at;
    uint8_t xorWith;
  } table[] = {
      {"does not begin with the table's mark", 0, 0xff},
      {"another version", 8, 0x01},
      {"address family is unknown", 12, 0x08},
      {"capacity is out of range", 19, 0x80},
      {"capacity is out of range", 17, 0x10},
      {"header is damaged", 16, 0x01},
      {"header is damaged", 20, 0x01},
      {"header is damaged", 24, 0x01},
      {"header is damaged", 28, 0x40},
      {"header is damaged", 32, 0x02},
      {"header is damaged", 40, 0x10},
      {"header is damaged", 48, 0x40},
      {"header is damaged", 56, 0x40},
      {"header is damaged", 64, 0x40},
      {"header is damaged", 72, 0x01},
      {"header is damaged", 12, 0x02} /* IPv4 read as IPv6 */,
  };
  for (const auto& row : table) {
    const TableMemory memory = copyOf(t);
    memory.span()[row.at] ^= std::byte{row.xorWith};
    Epochs epochs;
    const auto attached = ConnTable::attach(memory.span(), /*now=*/0, epochs);
    if (!CHECK(!attached.ok())) continue;
    CHECK(attached.error().code == ErrorCode::invalidArgument);
    if (attached.error().message.find(row.why) == std::string::npos)
      testing::fail(__FILE__, __LINE__, attached.error().message + " in place of " + row.why);
  }
}

TEST("a table that is cut short is refused") {
  const TestTable t(4096);
  const TableMemory memory = copyOf(t);
  Epochs epochs;
  for (const size_t bytes : {size_t{0}, size_t{1}, size_t{63}, size_t{127}, size_t{4096}, memory.span().size() - 1}) {
    const auto attached = ConnTable::attach(memory.span().first(bytes), /*now=*/0, epochs);
    CHECK(!attached.ok());
  }
  CHECK(ConnTable::attach(memory.span(), /*now=*/0, epochs).ok());
}

TEST("there is room for the smallest capacity, and a plan for the largest") {
  const TestTable smallest(ConnTable::kMinCapacity);
  CHECK_EQ(smallest.table.capacity(), ConnTable::kMinCapacity);
  CHECK_EQ(smallest.table.shardCount(), 1u);
  const size_t largest = ConnTable::regionBytes(Family::ipv6, ConnTable::kMaxCapacity);
  CHECK(largest > size_t{ConnTable::kMaxCapacity} * 64);
  CHECK(largest < size_t{ConnTable::kMaxCapacity} * 100);
}

}  // namespace
}  // namespace tunvs::conn_table_region_test
