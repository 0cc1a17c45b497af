// When may memory that readers use without a lock be used again? When every reader has passed a quiescent point since.
//
// Quiescent-state reclamation (McKenney, Slingwine 1998): a reader announces, between two vectors, the epoch it has
// seen; what was unlinked and stamped with epoch E may be reused once every announced epoch is greater than E.
//
// Thread safety: enter()/leave() by the reader that owns the slot; everything else by anybody.
// Invariants:
//  1. A reader holds references into shared structures only between enter() and the next enter() or leave().
//  2. Epochs only grow; a slot that is away holds kAway.
#pragma once

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cstddef>
#include <cstdint>

namespace tunvs {

class Epochs {
 public:
  static constexpr size_t kMaxReaders = 65;  // 64 workers and the control thread
  static constexpr uint64_t kAway = UINT64_MAX;

  // The reader holds no references and takes part again from here on.
  void enter(size_t reader) {
    assert(reader < kMaxReaders);
    auto& seen = slots_[reader].seen;
    const bool wasAway = seen.load(std::memory_order_relaxed) == kAway;
    if (!wasAway) {
      // A late announcement only delays reuse.
      seen.store(current_.load(std::memory_order_acquire), std::memory_order_release);
      return;
    }
    // Coming back: the announcement must be visible before the reader loads any shared reference, or oldest() could
    // miss it. A read-modify-write of `current_` by both sides orders the two.
    seen.store(current_.load(std::memory_order_relaxed), std::memory_order_seq_cst);
    current_.fetch_add(0, std::memory_order_seq_cst);
  }

  // The reader holds no references and will hold none until enter(): before sleeping, and at its end.
  void leave(size_t reader) {
    assert(reader < kMaxReaders);
    slots_[reader].seen.store(kAway, std::memory_order_release);
  }

  // Call after unlinking: the epoch to hand to isSafe() later. Cheap; advance() must be called now and then.
  // Not a plain load: that could overtake the unlinking, and a reader of a later epoch still find what was unlinked.
  uint64_t stamp() const {
    return const_cast<std::atomic<uint64_t>&>(current_).fetch_add(0, std::memory_order_seq_cst);
  }

  // Begins a new epoch, so that what was stamped before can become safe.
  void advance() { advanceBy(1); }
  void advanceBy(uint64_t epochs) { current_.fetch_add(epochs, std::memory_order_seq_cst); }

  // True when nobody can hold a reference to what was unlinked before stamp() returned `epoch`.
  bool isSafe(uint64_t epoch) const { return oldest() > epoch; }

  // The smallest announced epoch; the current one when every reader is away.
  uint64_t oldest() const {
    uint64_t smallest = const_cast<std::atomic<uint64_t>&>(current_).fetch_add(0, std::memory_order_seq_cst);
    for (const auto& slot : slots_) smallest = std::min(smallest, slot.seen.load(std::memory_order_seq_cst));
    return smallest;
  }

 private:
  struct alignas(64) Slot {
    std::atomic<uint64_t> seen{kAway};
  };
  alignas(64) std::atomic<uint64_t> current_{1};
  Slot slots_[kMaxReaders];
};

}  // namespace tunvs
