// absl::flat_hash_map with its own hash. It has no bulk lookup, but a prefetch of a key's place.
#include <absl/container/flat_hash_map.h>

#include "bench/peers/huge_allocator.h"
#include "bench/peers/lookup_table.h"

namespace tunvs::bench {
namespace {

struct Key : PackedKey {
  template <typename H>
  friend H AbslHashValue(H state, const Key& key) {
    return H::combine(std::move(state), key.addresses, key.tail);
  }
};

class AbslTable : public LookupTable {
 public:
  explicit AbslTable(uint32_t entries) { map_.reserve(entries); }

  std::string describe() const override { return "flat_hash_map with absl::Hash and its own prefetch of each key"; }
  bool insert(const FlowKey& key, uint32_t value) override { return map_.emplace(keyOf(key), value).second; }
  void find(std::span<const FlowKey, kLookups> keys, std::span<uint32_t, kLookups> values) override {
    for (const FlowKey& key : keys) map_.prefetch(keyOf(key));
    for (size_t i = 0; i < kLookups; i++) {
      const auto found = map_.find(keyOf(keys[i]));
      values[i] = found == map_.end() ? 0 : found->second;
    }
  }

 private:
  static Key keyOf(const FlowKey& key) { return {PackedKey::of(key)}; }

  absl::flat_hash_map<Key, uint32_t, absl::Hash<Key>, std::equal_to<>, HugeAllocator<std::pair<const Key, uint32_t>>>
      map_;
};

}  // namespace

std::unique_ptr<LookupTable> makeLookupTable(uint32_t entries) { return std::make_unique<AbslTable>(entries); }

}  // namespace tunvs::bench
