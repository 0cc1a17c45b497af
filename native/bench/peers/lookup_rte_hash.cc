// DPDK's rte_hash with its bulk lookup, a key of 16 bytes (for which it has a comparison of its own) and CRC as the
// hash, which is its fastest. Reserved huge pages belong to the machine, so it gets a heap of anonymous memory with
// huge pages, as tunvs has.
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_hash.h>
#include <rte_hash_crc.h>
#include <rte_malloc.h>
#include <rte_version.h>
#include <sys/mman.h>

#include <cstdio>

#include "bench/peers/lookup_table.h"

namespace tunvs::bench {
namespace {

constexpr double kLoad = 0.85;  // as that of tunvs's table

// Returns the number of a heap with this much memory in huge pages; -1 when there is none.
int makeHeap(size_t bytes) {
  constexpr const char* kName = "huge";
  constexpr size_t kPage = 2 << 20;
  bytes = (bytes + kPage - 1) / kPage * kPage;
  void* memory =
      mmap(nullptr, bytes + kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return -1;
  auto* base = reinterpret_cast<std::byte*>((reinterpret_cast<uintptr_t>(memory) + kPage - 1) / kPage * kPage);
  madvise(base, bytes, MADV_HUGEPAGE);
  if (rte_malloc_heap_create(kName) != 0) return -1;
  if (rte_malloc_heap_memory_add(kName, base, bytes, nullptr, 0, kPage) != 0) return -1;
  return rte_malloc_heap_get_socket(kName);
}

class RteTable : public LookupTable {
 public:
  static std::unique_ptr<LookupTable> make(uint32_t entries) {
    const char* argv[] = {"lookup",     "--no-huge", "--no-pci", "--no-shconf",      "--no-telemetry",
                          "--lcores=0", "-m",        "64",       "--log-level=error"};
    if (rte_eal_init(std::size(argv), const_cast<char**>(argv)) < 0) return failed("rte_eal_init");
    // A key takes 32 bytes with its value, a bucket 8 per entry, the free list 8, rounded up to powers of two.
    const int heap = makeHeap((64 << 20) + size_t{entries} * 128);
    if (heap < 0) return failed("rte_malloc_heap_memory_add");
    rte_hash_parameters parameters{};
    parameters.name = "lookup";
    parameters.entries = static_cast<uint32_t>(entries / kLoad) + 1;
    parameters.key_len = sizeof(PackedKey);
    parameters.hash_func = rte_hash_crc;
    parameters.socket_id = heap;
    rte_hash* hash = rte_hash_create(&parameters);
    if (hash == nullptr) return failed("rte_hash_create");
    return std::unique_ptr<LookupTable>(new RteTable(hash));
  }
  ~RteTable() override { rte_hash_free(hash_); }

  std::string describe() const override {
    return std::string("rte_hash_lookup_bulk_data of ") + rte_version() + ", CRC as the hash, a capacity of 1/0.85";
  }
  bool insert(const FlowKey& key, uint32_t value) override {
    const PackedKey packed = PackedKey::of(key);
    return rte_hash_add_key_data(hash_, &packed, reinterpret_cast<void*>(uintptr_t{value})) == 0;
  }
  void find(std::span<const FlowKey, kLookups> keys, std::span<uint32_t, kLookups> values) override {
    static_assert(kLookups <= RTE_HASH_LOOKUP_BULK_MAX);
    PackedKey packed[kLookups];
    const void* pointers[kLookups];
    void* data[kLookups] = {};
    uint64_t hits = 0;
    for (size_t i = 0; i < kLookups; i++) {
      packed[i] = PackedKey::of(keys[i]);
      pointers[i] = &packed[i];
    }
    rte_hash_lookup_bulk_data(hash_, pointers, kLookups, &hits, data);
    for (size_t i = 0; i < kLookups; i++) {
      values[i] = (hits >> i & 1) != 0 ? static_cast<uint32_t>(reinterpret_cast<uintptr_t>(data[i])) : 0;
    }
  }

 private:
  explicit RteTable(rte_hash* hash) : hash_(hash) {}
  static std::unique_ptr<LookupTable> failed(const char* what) {
    std::fprintf(stderr, "%s: %s\n", what, rte_strerror(rte_errno));
    return nullptr;
  }

  rte_hash* hash_;
};

}  // namespace

std::unique_ptr<LookupTable> makeLookupTable(uint32_t entries) { return RteTable::make(entries); }

}  // namespace tunvs::bench
