// The pins of a director. They stand beside the connection table, and are looked up only for a packet that has no
// connection there: so established connections pay nothing for them, and a pin is no connection to anything that counts
// or ends connections.
//
// A pin ends at its deadline, which no packet moves. Its report stays for kReportSeconds. A pin that is released goes
// on for kLingerTicks, for the packets that are still on their way from the check's socket.
//
// Thread safety: workers call find() and named(), between Epochs::enter() and leave(); one control thread calls the
// rest.
// Invariants:
//  1. A pin that was taken out is freed only when every reader has passed on (Epochs).
//  2. Its server's id is not released before that: it is counted in the server's references.
#pragma once

#include <array>
#include <atomic>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "core/epochs.h"
#include "core/result.h"
#include "director/config/server_pool.h"
#include "director/connection/pin.h"

namespace tunvs {

class Pins {
 public:
  static constexpr uint32_t kMax = 1u << 14;  // pins, with those that were taken out and are not freed yet
  static constexpr uint32_t kReportSeconds = 60;
  static constexpr Tick kLingerTicks = ticksFromSeconds(1);

  Pins(ServerPool& pool, Epochs& epochs);
  ~Pins();

  // ---- workers ----

  // Returns the pin of this flow, if it is not over. `hash` is the flow's.
  Pin* find(const FlowKey& flow, uint64_t hash, Tick now) const {
    return isEmpty() ? nullptr : search(flow, hash, now);
  }
  // Returns the pin to which a packet of its server belongs, by NAT. `hash` is that of `key`.
  Pin* findReply(const FlowKey& key, uint64_t hash, Tick now) const {
    return isEmpty() ? nullptr : searchReply(key, hash, now);
  }
  bool isEmpty() const { return count_.load(std::memory_order_acquire) == 0; }
  // Tells whether a number is a pin's name, and no server's id.
  static bool isName(uint32_t number) { return (number & kNamed) != 0; }
  // Returns null when the pin is over, or gone.
  Pin* named(uint32_t name, Tick now) const;
  // Calls `visit(Pin&)` for every pin that is not over.
  template <typename Visit>
  void forEach(Tick now, Visit&& visit) const;

  // ---- control thread ----

  // Returns the pin's name. Fails when the flow is pinned already, and when there are kMax pins.
  // `replyHash` is that of request.reply.
  Result<uint32_t> add(const PinRequest& request, uint32_t server, uint64_t hash, Tick now, uint64_t replyHash = 0);
  // Undoes add() at once.
  void takeBack(uint32_t name);
  // Ends a pin, if it is still there.
  void release(uint32_t name, Tick now);
  // Returns nothing when the pin was released, or ended kReportSeconds ago.
  std::optional<PinReport> report(uint32_t name) const;
  // Takes out the pins that are over, and frees those that nobody can use any more.
  void collect(Tick now);
  // Counts the pins that were added and not taken out.
  uint32_t count() const { return count_.load(std::memory_order_relaxed); }

 private:
  // A name is kNamed, a generation, and the place below it.
  static constexpr uint32_t kNamed = 0x80000000, kPlaceBits = 14, kPlaceMask = (1u << kPlaceBits) - 1;
  static_assert(kMax == kPlaceMask + 1 && ServerPool::kMaxServers <= kNamed);
  static constexpr size_t kBuckets = kMax;

  struct Place {
    std::unique_ptr<Pin> pin;  // stays until it is freed
    uint64_t hash = 0, replyHash = 0;
    uint32_t generation = 0;
    bool isReleased = false;
  };

  Pin* search(const FlowKey& flow, uint64_t hash, Tick now) const;
  Pin* searchReply(const FlowKey& key, uint64_t hash, Tick now) const;
  std::atomic<Pin*>& bucketOf(uint64_t hash) const { return buckets_[hash % kBuckets]; }
  std::atomic<Pin*>& replyBucketOf(uint64_t hash) const { return replies_[hash % kBuckets]; }
  // Returns the pin's place, while it can be found; null afterwards.
  Place* placeOf(uint32_t name);
  void takeOut(uint32_t place);
  void sweep(Tick now, bool keepsReports);
  void freeSafe();

  ServerPool& pool_;
  Epochs& epochs_;
  std::atomic<uint32_t> count_{0};
  std::unique_ptr<std::atomic<Pin*>[]> buckets_;  // by the flow's hash: lists
  std::unique_ptr<std::atomic<Pin*>[]> replies_;  // by the hash of what their servers send: lists
  std::unique_ptr<std::atomic<Pin*>[]> found_;    // by place; null when it is empty or taken out
  std::vector<Place> places_;                     // grows up to kMax
  std::vector<uint32_t> free_;
  std::deque<std::pair<uint64_t, uint32_t>> retired_;  // places, by epoch
  Tick sweptAt_ = 0;
};

template <typename Visit>
void Pins::forEach(Tick now, Visit&& visit) const {
  if (count_.load(std::memory_order_acquire) == 0) return;
  for (size_t i = 0; i < kMax; i++) {
    Pin* pin = found_[i].load(std::memory_order_acquire);
    if (pin != nullptr && !pin->isOver(now)) visit(*pin);
  }
}

}  // namespace tunvs
