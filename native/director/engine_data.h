// What a persistence engine found in the packets of templates, beside the connection table: an entry has room for a
// hash of it only.
//
// Bounded by the table: there is at most one piece of data for each entry, and each is bounded by its engine.
// Thread safety: all of it by anybody.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

#include "core/inet.h"
#include "core/spin_lock.h"

namespace tunvs {

class EngineData {
 public:
  // `reference`: ConnTable::referenceOf() of a live template.
  void set(Family family, uint32_t reference, std::string_view data) {
    std::string copy(data);
    SpinGuard guard(lock_);
    data_[nameOf(family, reference)].swap(copy);
  }
  void erase(Family family, uint32_t reference) {
    SpinGuard guard(lock_);
    data_.erase(nameOf(family, reference));
  }
  bool is(Family family, uint32_t reference, std::string_view data) const {
    SpinGuard guard(lock_);
    const auto found = data_.find(nameOf(family, reference));
    return found != data_.end() && found->second == data;
  }
  // "" when there is none.
  std::string get(Family family, uint32_t reference) const {
    SpinGuard guard(lock_);
    const auto found = data_.find(nameOf(family, reference));
    return found == data_.end() ? std::string() : found->second;
  }

 private:
  static uint64_t nameOf(Family family, uint32_t reference) {
    return uint64_t{static_cast<uint8_t>(family)} << 32 | reference;
  }

  mutable SpinLock lock_;
  std::unordered_map<uint64_t, std::string> data_;
};

}  // namespace tunvs
