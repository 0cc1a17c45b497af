// What a persistence engine found in the packets of templates. It lies beside the connection table, as an entry has
// room only for a hash of it.
//
// It is an array by the entries' references, in pages that are made when they are needed and freed when they are empty.
// It is never laid out anew, which packets would wait for: however much there is already, a change costs at most the
// making of a page.
//
// It is bounded by the table: there is at most one piece of data for each entry, and each piece is bounded by its
// engine.
// Thread safety: any thread may call everything.
// Invariant: a page is touched, made and freed under its stripe's lock.
#pragma once

#include <array>
#include <atomic>
#include <cassert>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/inet.h"
#include "core/spin_lock.h"

namespace tunvs {

class PersistenceData {
 public:
  static constexpr uint32_t kPage = 512;  // references

  // `references` is beyond the largest reference of either family.
  explicit PersistenceData(uint32_t references) : pages_(2 * (size_t{references} / kPage + 1)) {}

  // `reference` is ConnTable::referenceOf() of a live template.
  void set(Family family, uint32_t reference, std::string_view data) {
    auto piece = std::make_unique<std::string>(data);
    const size_t index = indexOf(family, reference);
    SpinGuard guard(lockOf(index));
    auto& page = pages_[index];
    if (page == nullptr) {
      page = std::make_unique<Page>();
      grow(sizeof(Page));
    }
    auto& slot = page->slots[reference % kPage];
    grow(bytesOf(*piece));
    if (slot == nullptr) {
      page->used++;
    } else {
      shrink(bytesOf(*slot));
    }
    slot.swap(piece);
  }
  void erase(Family family, uint32_t reference) {
    const size_t index = indexOf(family, reference);
    std::unique_ptr<std::string> piece;  // both are freed without the lock
    std::unique_ptr<Page> empty;
    SpinGuard guard(lockOf(index));
    auto& page = pages_[index];
    if (page == nullptr) return;
    piece.swap(page->slots[reference % kPage]);
    if (piece == nullptr) return;
    shrink(bytesOf(*piece));
    if (--page->used > 0) return;
    page.swap(empty);
    shrink(sizeof(Page));
  }
  bool is(Family family, uint32_t reference, std::string_view data) const {
    const size_t index = indexOf(family, reference);
    SpinGuard guard(lockOf(index));
    const std::string* found = find(index, reference);
    return found != nullptr && *found == data;
  }
  // Returns "" when there is none.
  std::string get(Family family, uint32_t reference) const {
    const size_t index = indexOf(family, reference);
    SpinGuard guard(lockOf(index));
    const std::string* found = find(index, reference);
    return found == nullptr ? std::string() : *found;
  }
  // Returns the bytes of memory that it has taken.
  uint64_t bytes() const { return pages_.size() * sizeof(pages_[0]) + heldBytes_.load(std::memory_order_relaxed); }

 private:
  struct Page {
    uint32_t used = 0;
    std::array<std::unique_ptr<std::string>, kPage> slots;
  };
  struct alignas(64) Stripe {
    SpinLock lock;
  };
  static constexpr size_t kStripes = 64;

  static size_t indexOf(Family family, uint32_t reference) {
    return 2 * size_t{reference / kPage} + (family == Family::ipv6 ? 1 : 0);
  }
  SpinLock& lockOf(size_t index) const { return stripes_[index % kStripes].lock; }
  const std::string* find(size_t index, uint32_t reference) const {
    assert(index < pages_.size());
    const auto& page = pages_[index];
    return page == nullptr ? nullptr : page->slots[reference % kPage].get();
  }
  static uint64_t bytesOf(const std::string& piece) { return sizeof piece + piece.capacity() + 1; }
  void grow(uint64_t bytes) { heldBytes_.fetch_add(bytes, std::memory_order_relaxed); }
  void shrink(uint64_t bytes) { heldBytes_.fetch_sub(bytes, std::memory_order_relaxed); }

  std::vector<std::unique_ptr<Page>> pages_;
  mutable std::array<Stripe, kStripes> stripes_;
  std::atomic<uint64_t> heldBytes_{0};
};

}  // namespace tunvs
