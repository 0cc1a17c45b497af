// A bounded queue between two threads, without a lock. Its memory is touched only as it is used.
//
// Thread safety: one thread calls slot() and push(), one other calls front() and pop(); both may call isEmpty().
#pragma once

#include <atomic>
#include <bit>
#include <cassert>
#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>

#include "core/prefetch.h"

namespace tunvs {

template <typename T>
class SpscRing {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

 public:
  // REQUIRES: `capacity` is a power of two
  explicit SpscRing(size_t capacity)
      : mask_(capacity - 1), bytes_(std::make_unique_for_overwrite<std::byte[]>(capacity * sizeof(T) + alignof(T))) {
    assert(std::has_single_bit(capacity));
    void* start = bytes_.get();
    size_t room = capacity * sizeof(T) + alignof(T);
    base_ = static_cast<std::byte*>(std::align(alignof(T), capacity * sizeof(T), start, room));
  }

  // Returns where to write the next element before push(); null when the ring is full.
  T* slot() {
    const size_t tail = tail_.load(std::memory_order_relaxed);
    if (tail - knownHead_ > mask_) {
      knownHead_ = head_.load(std::memory_order_acquire);
      if (tail - knownHead_ > mask_) return nullptr;
    }
    return new (at(tail)) T;
  }
  // Fetches where the next element goes. The pushing thread calls this.
  void prefetchSlot() const {
    const std::byte* const place = at(tail_.load(std::memory_order_relaxed));
    for (size_t byte = 0; byte < sizeof(T); byte += 64) prefetchForWrite(place + byte);
  }
  void push() { tail_.store(tail_.load(std::memory_order_relaxed) + 1, std::memory_order_release); }

  // Returns the oldest element; null when the ring is empty. It stays until pop().
  const T* front() {
    const size_t head = head_.load(std::memory_order_relaxed);
    if (head == knownTail_) {
      knownTail_ = tail_.load(std::memory_order_acquire);
      if (head == knownTail_) return nullptr;
    }
    return std::launder(reinterpret_cast<const T*>(at(head)));
  }
  void pop() { head_.store(head_.load(std::memory_order_relaxed) + 1, std::memory_order_release); }

  // Returns how many elements there are, or were a moment ago. Any thread may call this.
  size_t pending() const { return tail_.load(std::memory_order_relaxed) - head_.load(std::memory_order_relaxed); }
  bool isEmpty() const { return head_.load(std::memory_order_acquire) == tail_.load(std::memory_order_acquire); }

 private:
  std::byte* at(size_t index) const { return base_ + (index & mask_) * sizeof(T); }

  size_t mask_;
  std::unique_ptr<std::byte[]> bytes_;
  std::byte* base_ = nullptr;
  alignas(64) std::atomic<size_t> tail_{0};
  size_t knownHead_ = 0;  // the pushing thread's
  alignas(64) std::atomic<size_t> head_{0};
  size_t knownTail_ = 0;  // the popping thread's
};

}  // namespace tunvs
