// What connection sync remembers of each entry, in an array beside the tables that is there only while a role runs:
// what a master has told of it last, and what a peer's record has said of it. Of a connection with kConnTold, backups
// were told since, of its established state.
//
// Thread safety: any thread may call everything; of two that write one cell at once, one is forgotten.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "core/inet.h"
#include "core/ticks.h"
#include "sync/sync_decision.h"
#include "table/conn_table.h"

namespace tunvs {

struct SyncCell {
  Tick expiry = 0;          // as SyncMemory, or the deadline that the record has set
  uint8_t state = 0;        // as SyncMemory, or the state that the record has set
  uint8_t repeats : 4 = 0;  // as SyncMemory
  uint8_t isTold : 1 = 0;   // as SyncMemory
  // The entry is as a record has made it, or changed it last, unless its deadline is another than `expiry`: then it has
  // had packets of its own since.
  uint8_t isSynced : 1 = 0;
  // A peer has told that the connection has ended there: this entry lives to `expiry`, unless it has packets of its
  // own.
  uint8_t isLeaving : 1 = 0;
  // A template's, of all that it controls; it stays at the highest number. A connection's is the transfer during which
  // it was told last as it changed; 0: none.
  uint16_t packets = 0;

  SyncMemory memory() const { return {expiry, state, repeats, isTold != 0}; }
  void remember(const SyncMemory& memory) {
    expiry = memory.expiry;
    state = memory.state;
    repeats = memory.repeats & 3;
    isTold = memory.isTold;
    isSynced = 0;
    isLeaving = 0;
  }
};
static_assert(sizeof(SyncCell) == 8);

class SyncCells {
 public:
  SyncCells(const ConnTable& v4, const ConnTable& v6) : cells_{cellsFor(v4), cellsFor(v6)} {}

  // `reference` is ConnTable::referenceOf().
  SyncCell load(Family family, uint32_t reference) const {
    return std::bit_cast<SyncCell>(at(family, reference).load(std::memory_order_relaxed));
  }
  void store(Family family, uint32_t reference, const SyncCell& cell) {
    at(family, reference).store(std::bit_cast<uint64_t>(cell), std::memory_order_relaxed);
  }
  void clear(Family family, uint32_t reference) { at(family, reference).store(0, std::memory_order_relaxed); }

 private:
  using Word = std::atomic<uint64_t>;
  struct Free {
    void operator()(Word* words) const { std::free(words); }
  };
  using Words = std::unique_ptr<Word[], Free>;
  // The memory is zero, and is touched only where there are entries.
  static Words cellsFor(const ConnTable& table) {
    static_assert(std::atomic<uint64_t>::is_always_lock_free && sizeof(Word) == sizeof(uint64_t));
    void* const memory = std::calloc(table.regionSize() / sizeof(Conn) + 1, sizeof(Word));
    if (memory == nullptr) std::abort();
    return Words(static_cast<Word*>(memory));
  }
  Word& at(Family family, uint32_t reference) const { return cells_[family == Family::ipv6 ? 1 : 0][reference]; }

  Words cells_[2];
};

}  // namespace tunvs
