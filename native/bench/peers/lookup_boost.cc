// boost::unordered_flat_map with tunvs's hash, which is as good against hostile clients. It has no prefetch.
#include <boost/unordered/unordered_flat_map.hpp>

#include "bench/peers/huge_allocator.h"
#include "bench/peers/lookup_table.h"
#include "table/flow_hash.h"

namespace tunvs::bench {
namespace {

struct KeyHash {
  using is_avalanching = void;
  HashSecret secret = HashSecret::fromSeed(1);

  uint64_t operator()(const PackedKey& key) const {
    FlowKey flow;
    flow.words[0] = key.addresses;
    flow.tail = key.tail;
    return flowHash(flow, secret);
  }
};

class BoostTable : public LookupTable {
 public:
  explicit BoostTable(uint32_t entries) { map_.reserve(entries); }

  std::string describe() const override {
    return "unordered_flat_map of Boost " BOOST_LIB_VERSION ", NH as the hash; it has no bulk lookup and no prefetch";
  }
  bool insert(const FlowKey& key, uint32_t value) override { return map_.emplace(PackedKey::of(key), value).second; }
  void find(std::span<const FlowKey, kLookups> keys, std::span<uint32_t, kLookups> values) override {
    for (size_t i = 0; i < kLookups; i++) {
      const auto found = map_.find(PackedKey::of(keys[i]));
      values[i] = found == map_.end() ? 0 : found->second;
    }
  }

 private:
  boost::unordered_flat_map<PackedKey, uint32_t, KeyHash, std::equal_to<>,
                            HugeAllocator<std::pair<const PackedKey, uint32_t>>>
      map_;
};

}  // namespace

std::unique_ptr<LookupTable> makeLookupTable(uint32_t entries) { return std::make_unique<BoostTable>(entries); }

}  // namespace tunvs::bench
