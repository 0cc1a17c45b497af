// A LookupTable is what the lookup trials measure: tunvs's connection table, or a peer of it, with the same keys and a
// number behind each. Each program of these trials has this interface, lookup_bench.cc, and one table.
//
// Thread safety: none.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "core/flow_key.h"

namespace tunvs::bench {

inline constexpr size_t kLookups = 64;  // that one call makes

// What a peer stores for an IPv4 five-tuple: its 13 bytes, filled up with zeros to two words.
struct PackedKey {
  uint64_t addresses;
  uint64_t tail;

  static PackedKey of(const FlowKey& key) { return {key.words[0], key.tail}; }
  friend bool operator==(const PackedKey&, const PackedKey&) = default;
};
static_assert(sizeof(PackedKey) == 16);

class LookupTable {
 public:
  virtual ~LookupTable() = default;
  // Returns a sentence that says how the table is configured.
  virtual std::string describe() const = 0;
  // Returns true when find() writes the value of that very key, and not just what lies in some place.
  virtual bool holdsKeys() const { return true; }
  // Returns false when there is no room. REQUIRES: the key is new, and value is not 0.
  virtual bool insert(const FlowKey& key, uint32_t value) = 0;
  // Writes each key's value, or 0 where there is none.
  virtual void find(std::span<const FlowKey, kLookups> keys, std::span<uint32_t, kLookups> values) = 0;
};

// Each peer's file defines this. Returns null, with a sentence on standard error, when the table can't be made.
std::unique_ptr<LookupTable> makeLookupTable(uint32_t entries);

}  // namespace tunvs::bench
