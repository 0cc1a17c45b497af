// Compares the connection table with the simplest thing that does the same: a map of deadlines.
#include <unordered_map>

#include "support/random.h"
#include "support/test_table.h"
#include "support/testing.h"
#include "table/conn_table.h"

namespace tunvs::conn_table_model_test {
namespace {

using testing::numberedKey;
using testing::Random;
using testing::TestTable;

class ModelRun {
 public:
  ModelRun(uint64_t seed, Family family, uint32_t keys, Tick start)
      : random_(seed), family_(family), keys_(keys), now_(start), t_(kCapacity, family, start) {}

  // Returns false at the first difference, with the test failed.
  bool run(size_t steps) {
    for (size_t i = 0; i < steps; i++) {
      step();
      if (hasFailed_) return false;
      if (i % 1000 == 999 && !isSameAsModel()) return false;
    }
    return isSameAsModel();
  }

 private:
  static constexpr uint32_t kCapacity = ConnTable::kMinCapacity;

  void check(bool claim, const char* what) {
    if (!claim) testing::fail(__FILE__, __LINE__, what);
    hasFailed_ |= !claim;
  }

  FlowKey keyOf(uint32_t number) const { return numberedKey(number, family_); }
  Tick someDeadline() { return now_ + 1 + (random_.oneIn(3) ? random_.below(300000) : random_.below(500)); }

  void step() {
    const uint32_t number = random_.below(keys_);
    const auto known = model_.find(number);
    const bool isKnown = known != model_.end();
    Conn* conn = t_.find(keyOf(number));
    check((conn != nullptr) == isKnown, "find() and the model disagree");
    if (hasFailed_) return;
    if (isKnown) {
      check(conn->server.load() == number && conn->expires.load() == known->second, "found another connection");
    }
    switch (random_.below(16)) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
      case 5:
        if (!isKnown) insert(number);
        break;
      case 6:
        if (isKnown) {
          t_.remove(keyOf(number));
          model_.erase(known);
        }
        break;
      case 7:
      case 8:
        if (isKnown) {
          known->second = someDeadline();
          t_.setDeadline(keyOf(number), known->second);
        }
        break;
      case 9:
      case 10:
      case 11:  // as a packet does: only later, and nobody tells the wheel
        if (isKnown) {
          known->second += random_.below(20000);
          conn->expires.store(known->second);
        }
        break;
      case 12:
      case 13: pass(random_.below(40)); break;
      case 14:
        if (random_.oneIn(50)) pass(random_.oneIn(10) ? random_.below(1000000) : random_.below(20000));
        break;
      default:
        t_.epochs.advance();
        t_.epochs.enter(0);
        break;
    }
  }

  void insert(uint32_t number) {
    const Tick deadline = someDeadline();
    const bool isFull = model_.size() >= kCapacity;
    bool hasEvicted = false;
    Conn* conn = t_.insertOr(
        keyOf(number), deadline,
        [&](Conn& victim) {
          check(!hasEvicted, "evicted two for one");
          check(model_.erase(victim.server.load()) == 1, "evicted a connection that is not there");
          return hasEvicted = true;
        },
        number);
    check(hasEvicted == (isFull && conn != nullptr), "evicted without need, or did not although it was full");
    if (conn != nullptr) model_[number] = deadline;
    // Nothing can be reused while the reader stays; the units beyond the capacity are used up then.
    if (conn == nullptr) t_.epochs.advance(), t_.epochs.enter(0);
  }

  void pass(uint32_t ticks) {
    now_ += ticks;
    const bool exact = random_.oneIn(2);
    const bool isDone = testing::expireShard(
        t_.table, 0, now_, exact, random_.oneIn(4) ? random_.below(50) : SIZE_MAX, [&](Conn& conn) {
          const auto entry = model_.find(conn.server.load());
          check(entry != model_.end(), "expired a connection that is not there");
          if (entry == model_.end()) return 0u;
          check(reached(now_, entry->second), "expired a connection before its deadline");
          if (random_.oneIn(10)) {
            const uint32_t more = 1 + random_.below(1000);
            entry->second = now_ + more;
            return more;
          }
          model_.erase(entry);
          return 0u;
        });
    if (!isDone) return;
    for (const auto& [number, deadline] : model_) {
      check(!reached(now_ - (exact ? 0 : ExpiryWheels::kTicksPerSlot), deadline),
            "kept a connection beyond its deadline");
    }
  }

  bool isSameAsModel() {
    check(t_.table.liveCount() == model_.size(), "the live count is wrong");
    size_t visited = 0;
    t_.table.forEach(0, SIZE_MAX, [&](const Conn& conn) {
      visited++;
      const uint32_t number = conn.server.load();
      check(model_.contains(number) && t_.table.keyOf(conn) == keyOf(number), "visited a connection that is not there");
    });
    check(visited == model_.size(), "visited too few or too many");
    return !hasFailed_;
  }

  Random random_;
  Family family_;
  uint32_t keys_;
  Tick now_;
  TestTable t_;
  std::unordered_map<uint32_t, Tick> model_;
  bool hasFailed_ = false;
};

TEST("a table does what a plain map would, over many thousand random operations") {
  for (uint64_t seed = 1; seed <= 4; seed++) {
    for (const Family family : {Family::ipv4, Family::ipv6}) {
      // The keys are fewer than the room, about as many, and so many that the table is always full; ticks wrap in half
      // of the runs.
      for (const uint32_t keys : {700u, 1300u, 4000u}) {
        const Tick start = seed % 2 == 0 ? 0u - 100000u : 12345u;
        if (!ModelRun(seed, family, keys, start).run(15000)) {
          testing::fail(__FILE__, __LINE__, "seed " + std::to_string(seed) + ", " + std::to_string(keys) + " keys");
          return;
        }
      }
    }
  }
}

}  // namespace
}  // namespace tunvs::conn_table_model_test
