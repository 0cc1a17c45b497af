// A TestTable is a connection table with memory of its own; functions make the keys to fill it with.
#pragma once

#include <cstdlib>
#include <memory>
#include <type_traits>
#include <vector>

#include "table/conn_table.h"

namespace tunvs::testing {

// TableMemory is zeroed, and aligned as a table wants it.
class TableMemory {
 public:
  explicit TableMemory(size_t bytes) : bytes_(bytes), block_(std::calloc(bytes + kAlignment, 1), &std::free) {}
  std::span<std::byte> span() const {
    const auto address = reinterpret_cast<uintptr_t>(block_.get());
    return {reinterpret_cast<std::byte*>((address + kAlignment - 1) / kAlignment * kAlignment), bytes_};
  }

 private:
  static constexpr size_t kAlignment = 64;
  size_t bytes_;
  std::unique_ptr<void, decltype(&std::free)> block_;
};

inline FlowKey numberedKey(uint32_t number, Family family = Family::ipv4, uint8_t protocol = 6) {
  const Be16 clientPort = Be16::from(static_cast<uint16_t>(1024 + number % 60000)), virtualPort = Be16::from(80);
  if (family == Family::ipv4) {
    return FlowKey::make(IpAddress::v4(Be32::from(0x0a000000 + number / 60000)), clientPort,
                         IpAddress::v4(192, 0, 2, 10), virtualPort, protocol);
  }
  uint8_t client[16] = {0x20, 0x01, 0x0d, 0xb8, 0xc1};
  storeBe32(client + 12, number / 7);
  const uint8_t virtualAddress[16] = {0x20, 0x01, 0x0d, 0xb8, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return FlowKey::make(IpAddress::v6(client), clientPort, IpAddress::v6(virtualAddress), virtualPort, protocol);
}

// Judges by deadline alone, and asks `mayEvict` whether an entry gives way.
template <typename MayEvict>
struct DeadlineJudge {
  Place place(const Conn& conn) const { return {Standing::stale, conn.expires.load()}; }
  Yield yields(const Conn& conn, Standing) { return mayEvict(const_cast<Conn&>(conn)) ? Yield::gives : Yield::keeps; }
  uint32_t idle(const Conn&) const { return 0; }
  void evict(Conn&, Standing) {}

  MayEvict& mayEvict;
};

// Does the same for entries at their deadline.
template <typename OnDue>
struct DueJudge {
  Place place(const Conn& conn) const { return {Standing::stale, conn.expires.load()}; }
  uint32_t onDue(Conn& conn) { return isDue(conn); }

  OnDue isDue;
};
template <typename OnDue>
bool expireShard(ConnTable& table, uint32_t shard, Tick now, bool exact, size_t budget, OnDue&& onDue) {
  return table.expire(shard, now, exact, budget, DueJudge<OnDue&>{onDue});
}

class TestTable {
 public:
  static constexpr uint64_t kSeed = 42;

  explicit TestTable(uint32_t capacity = ConnTable::kMinCapacity, Family family = Family::ipv4, Tick now = 0)
      : memory(ConnTable::regionBytes(family, capacity)),
        table(ConnTable::create(memory.span(), family, capacity, HashSecret::fromSeed(kSeed), now, epochs)) {}

  Conn* find(const FlowKey& key) const { return table.find(key, table.hash(key)); }
  Conn* candidate(const FlowKey& key) const {
    const uint64_t hash = table.hash(key);
    return ConnTable::candidate(table.prefetchHome(hash), hash, key.family);
  }

  // Removes from the whole table.
  template <typename OnEach>
  void removeIf(OnEach&& onEach) {
    for (uint32_t shard = 0; shard < table.shardCount(); shard++) {
      uint32_t unit = 0;
      do unit = table.removeIf(shard, unit, onEach);
      while (unit != 0);
    }
  }

  // Evicts whatever the table wants to.
  Conn* insert(const FlowKey& key, Tick expires, uint32_t server = 0, uint8_t flags = 0) {
    return insertOr(
        key, expires, [](Conn&) { return true; }, server, flags);
  }
  template <typename MayEvict>
  Conn* insertOr(const FlowKey& key, Tick expires, MayEvict&& mayEvict, uint32_t server = 0, uint8_t flags = 0) {
    const uint64_t hash = table.hash(key);
    const ConnTable::Guard guard(table, hash);
    return table.insertLocked(key, hash, {.server = server, .expires = expires, .flags = flags}, table.timeLocked(hash),
                              DeadlineJudge<std::remove_reference_t<MayEvict>>{mayEvict});
  }
  void remove(const FlowKey& key) {
    const uint64_t hash = table.hash(key);
    const ConnTable::Guard guard(table, hash);
    table.removeLocked(table.find(key, hash), hash);
  }
  void setDeadline(const FlowKey& key, Tick expires) {
    const uint64_t hash = table.hash(key);
    const ConnTable::Guard guard(table, hash);
    Conn* conn = table.find(key, hash);
    conn->expires.store(expires);
    table.moveLocked(conn, hash, {Standing::stale, expires});
  }
  // Expires every shard, and returns how many connections went.
  size_t expire(Tick now, bool exact = true) {
    size_t expired = 0;
    for (uint32_t shard = 0; shard < table.shardCount(); shard++) {
      expireShard(table, shard, now, exact, SIZE_MAX, [&](Conn&) {
        expired++;
        return 0u;
      });
    }
    return expired;
  }

  Epochs epochs;
  TableMemory memory;
  ConnTable table;
};

// Returns `count` keys whose hashes begin in the first bucket of every table of at most 1024 buckets a shard.
inline std::vector<FlowKey> keysOfOneBucket(const ConnTable& table, size_t count) {
  std::vector<FlowKey> keys;
  for (uint32_t number = 0; keys.size() < count; number++) {
    const FlowKey key = numberedKey(number, table.family());
    if ((table.hash(key) & 0xffffffff) >> 22 == 0) keys.push_back(key);
  }
  return keys;
}

}  // namespace tunvs::testing
