// tunvs's connection table, looked up in as Director::process() does it: each stage goes over the whole vector.
#include "bench/peers/lookup_table.h"
#include "engine/table_region.h"
#include "table/conn_table.h"

namespace tunvs::bench {
namespace {

constexpr double kLoad = 0.85;  // of the table's capacity: the design's target

// Nothing is due and nothing gives way while this program runs.
struct NothingGivesWay {
  Place place(const Conn& conn) const { return {Standing{}, conn.expires.load(std::memory_order_relaxed)}; }
  Yield yields(const Conn&, Standing) const { return Yield{}; }
  uint32_t idle(const Conn&) const { return 0; }
  void evict(Conn&, Standing) const {}
};

class TunvsTable : public LookupTable {
 public:
  static std::unique_ptr<LookupTable> make(uint32_t entries) {
    const uint32_t capacity = std::max(ConnTable::kMinCapacity, static_cast<uint32_t>(entries / kLoad) + 1);
    auto region = TableRegion::anonymous(ConnTable::regionBytes(Family::ipv4, capacity));
    if (!region.ok()) return nullptr;
    return std::unique_ptr<LookupTable>(new TunvsTable(std::move(region).value(), capacity));
  }

  std::string describe() const override { return "a load of 85 %, NH as the hash, prefetches"; }

  bool insert(const FlowKey& key, uint32_t value) override {
    const uint64_t hash = table_.hash(key);
    const ConnTable::Guard guard(table_, hash);
    return table_.insertLocked(key, hash, {.server = value, .expires = kExpires}, 0, NothingGivesWay{}) != nullptr;
  }

  void find(std::span<const FlowKey, kLookups> keys, std::span<uint32_t, kLookups> values) override {
    epochs_.enter(0);
    uint64_t hashes[kLookups];
    ConnTable::Home homes[kLookups];
    Conn* candidates[kLookups];
    for (size_t i = 0; i < kLookups; i++) hashes[i] = table_.hash(keys[i]);
    for (size_t i = 0; i < kLookups; i++) homes[i] = table_.prefetchHome(hashes[i]);
    for (size_t i = 0; i < kLookups; i++) {
      candidates[i] = ConnTable::candidate(homes[i], hashes[i], Family::ipv4);
      __builtin_prefetch(candidates[i]);
    }
    for (size_t i = 0; i < kLookups; i++) {
      const Conn* conn = ConnTable::isOf(candidates[i], keys[i]) ? candidates[i] : table_.find(keys[i], hashes[i]);
      values[i] = conn == nullptr ? 0 : conn->server.load(std::memory_order_relaxed);
    }
  }

 private:
  static constexpr Tick kExpires = 1u << 20;

  TunvsTable(TableRegion region, uint32_t capacity)
      : region_(std::move(region)),
        table_(ConnTable::create(region_.span(), Family::ipv4, capacity, HashSecret::fromSeed(1), 0, epochs_)) {}

  Epochs epochs_;
  TableRegion region_;
  ConnTable table_;
};

}  // namespace

std::unique_ptr<LookupTable> makeLookupTable(uint32_t entries) { return TunvsTable::make(entries); }

}  // namespace tunvs::bench
