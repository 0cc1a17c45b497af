// Epochs tell when memory that readers use without a lock may be used again: when every reader has passed a quiescent
// point since.
//
// This is quiescent-state reclamation (McKenney, Slingwine 1998): between two vectors, a reader announces the epoch it
// has seen. What was unlinked and stamped with epoch E may be reused once every announced epoch is greater than E.
//
// Thread safety: the reader that owns a slot calls its enter() and leave(); any thread calls everything else.
// Invariants:
//  1. A reader holds references into shared structures only between enter() and the next enter() or leave().
//  2. Epochs only grow; a slot whose reader is away holds kAway.
#pragma once

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cstddef>
#include <cstdint>

namespace tunvs {

class Epochs {
 public:
  static constexpr size_t kMaxWorkers = 64;
  // The workers, the control thread, the thread that keeps a fast path up to date, and those of connection sync: the
  // one that a peer tells of connections, and the one that tells peers.
  static constexpr size_t kMaxReaders = kMaxWorkers + 4;
  static constexpr uint64_t kAway = UINT64_MAX;

  // The caller holds no references, and takes part again from here on.
  void enter(size_t reader) {
    assert(reader < kMaxReaders);
    auto& seen = slots_[reader].seen;
    const bool wasAway = seen.load(std::memory_order_relaxed) == kAway;
    if (!wasAway) {
      // A late announcement only delays reuse.
      seen.store(current_.load(std::memory_order_acquire), std::memory_order_release);
      return;
    }
    // The reader comes back: its announcement must be visible before it loads any shared reference, or oldest() could
    // miss it. A read-modify-write of `current_` by both sides orders the two.
    seen.store(current_.load(std::memory_order_relaxed), std::memory_order_seq_cst);
    current_.fetch_add(0, std::memory_order_seq_cst);
  }

  // The caller holds no references, and will hold none until enter(). A reader calls this before it sleeps and when it
  // ends.
  void leave(size_t reader) {
    assert(reader < kMaxReaders);
    slots_[reader].seen.store(kAway, std::memory_order_release);
  }

  // Returns the epoch to hand to isSafe() later. It is called after the unlinking and is cheap; somebody must call
  // advance() now and then. A plain load would not do: it could overtake the unlinking, and then a reader of a later
  // epoch could still find what was unlinked.
  uint64_t stamp() const {
    return const_cast<std::atomic<uint64_t>&>(current_).fetch_add(0, std::memory_order_seq_cst);
  }

  // Begins a new epoch, so that what was stamped before can become safe.
  void advance() { advanceBy(1); }
  void advanceBy(uint64_t epochs) { current_.fetch_add(epochs, std::memory_order_seq_cst); }

  // Returns true when nobody can hold a reference to what was unlinked before stamp() returned `epoch`.
  bool isSafe(uint64_t epoch) const { return oldest() > epoch; }

  // ---- a program in the kernel, one more reader, which cannot announce anything itself ----

  // Says for it that it has seen `epoch`: stamp() has returned that, and at some time since then it held no reference.
  void passKernel(uint64_t epoch) { kernelSeen_.store(epoch, std::memory_order_seq_cst); }
  void leaveKernel() { passKernel(kAway); }
  // As isSafe(), for what the program may hold, too. Whoever is told no has made somebody hurry: see kernelHurries().
  bool isSafeInKernel(uint64_t epoch) const {
    if (kernelSeen_.load(std::memory_order_seq_cst) > epoch) return isSafe(epoch);
    kernelHurries_.store(true, std::memory_order_relaxed);
    return false;
  }
  // Returns true when something has waited for the program since the last call.
  bool kernelHurries() { return kernelHurries_.exchange(false, std::memory_order_relaxed); }

  // Returns the smallest announced epoch, or the current one when every reader is away.
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
  alignas(64) std::atomic<uint64_t> kernelSeen_{kAway};
  mutable std::atomic<bool> kernelHurries_{false};
};

}  // namespace tunvs
