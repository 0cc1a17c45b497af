// No table, but what memory allows: one cache line read for each key, anywhere in a region as large as tunvs's table,
// with a prefetch. The line's number is a hash of the key, which costs next to nothing.
#include <cstring>

#include "bench/peers/lookup_table.h"
#include "engine/table_region.h"
#include "table/conn_table.h"

namespace tunvs::bench {
namespace {

constexpr double kLoad = 0.85;  // as that of tunvs's table
constexpr size_t kLineBytes = 64;

class Ceiling : public LookupTable {
 public:
  static std::unique_ptr<LookupTable> make(uint32_t entries) {
    const uint32_t capacity = std::max(ConnTable::kMinCapacity, static_cast<uint32_t>(entries / kLoad) + 1);
    auto region = TableRegion::anonymous(ConnTable::regionBytes(Family::ipv4, capacity));
    if (!region.ok()) return nullptr;
    return std::unique_ptr<LookupTable>(new Ceiling(std::move(region).value()));
  }

  std::string describe() const override { return "random cache lines of a region as large as the table of tunvs"; }

  bool holdsKeys() const override { return false; }
  // A line says only that it was written, so that nothing but the read is measured.
  bool insert(const FlowKey&, uint32_t) override { return true; }

  void find(std::span<const FlowKey, kLookups> keys, std::span<uint32_t, kLookups> values) override {
    const std::byte* lines[kLookups];
    for (size_t i = 0; i < kLookups; i++) {
      lines[i] = lineOf(keys[i]);
      __builtin_prefetch(lines[i]);
    }
    for (size_t i = 0; i < kLookups; i++) std::memcpy(&values[i], lines[i], sizeof values[i]);
  }

 private:
  explicit Ceiling(TableRegion region) : region_(std::move(region)), lines_(region_.span().size() / kLineBytes) {
    std::memset(region_.span().data(), 1, region_.span().size());
  }

  const std::byte* lineOf(const FlowKey& key) const {
    const uint64_t hash = ((key.words[0] << 16 ^ key.tail) * 0x9e3779b97f4a7c15) >> 32;
    return region_.span().data() + (hash * lines_ >> 32) * kLineBytes;
  }

  TableRegion region_;
  uint64_t lines_;
};

}  // namespace

std::unique_ptr<LookupTable> makeLookupTable(uint32_t entries) { return Ceiling::make(entries); }

}  // namespace tunvs::bench
