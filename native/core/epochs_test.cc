#include "core/epochs.h"

#include <memory>
#include <thread>
#include <vector>

#include "support/random.h"
#include "support/testing.h"

namespace tunvs::epochs_test {
namespace {

TEST("epochs call nothing safe in the epoch in which it was unlinked") {
  Epochs epochs;
  const uint64_t stamp = epochs.stamp();
  CHECK(!epochs.isSafe(stamp));
  epochs.advance();
  CHECK(epochs.isSafe(stamp));
}

TEST("epochs wait for a reader that was there at the unlinking") {
  Epochs epochs;
  epochs.enter(3);
  const uint64_t stamp = epochs.stamp();
  epochs.advance();
  CHECK(!epochs.isSafe(stamp));
  epochs.advance();
  CHECK(!epochs.isSafe(stamp));
  epochs.enter(3);
  CHECK(epochs.isSafe(stamp));
}

TEST("epochs do not wait for a reader that came later") {
  Epochs epochs;
  const uint64_t stamp = epochs.stamp();
  epochs.advance();
  epochs.enter(0);
  CHECK(epochs.isSafe(stamp));
}

TEST("epochs do not wait for a reader that is away") {
  Epochs epochs;
  epochs.enter(0);
  const uint64_t stamp = epochs.stamp();
  epochs.advance();
  epochs.leave(0);
  CHECK(epochs.isSafe(stamp));
  epochs.enter(0);
  CHECK(epochs.isSafe(stamp));
}

TEST("epochs wait for the slowest of all readers") {
  Epochs epochs;
  for (size_t reader = 0; reader < Epochs::kMaxReaders; reader++) epochs.enter(reader);
  const uint64_t stamp = epochs.stamp();
  epochs.advance();
  for (size_t reader = 0; reader + 1 < Epochs::kMaxReaders; reader++) epochs.enter(reader);
  CHECK(!epochs.isSafe(stamp));
  epochs.leave(Epochs::kMaxReaders - 1);
  CHECK(epochs.isSafe(stamp));
}

TEST("the oldest epoch is the current one when every reader is away") {
  Epochs epochs;
  epochs.advance();
  CHECK_EQ(epochs.oldest(), epochs.stamp());
}

// Readers follow shared pointers while the writer replaces what they point to and takes the old values apart as soon as
// they are safe. The values are plain memory, so a thread sanitizer checks the ordering as well.
TEST("nothing that a reader still uses is freed, whoever advances the epoch") {
  struct Value {
    uint64_t a = 0, b = ~uint64_t{0};
  };
  constexpr size_t kReaders = 3, kCells = 8;
  Epochs epochs;
  std::atomic<Value*> cells[kCells];
  std::vector<std::unique_ptr<Value>> values;
  for (auto& cell : cells) {
    values.push_back(std::make_unique<Value>());
    cell = values.back().get();
  }
  std::atomic<bool> isOver = false;
  std::atomic<uint64_t> broken = 0, rounds = 0;
  std::vector<std::thread> readers;
  for (size_t reader = 0; reader < kReaders; reader++) {
    readers.emplace_back([&, reader] {
      testing::Random random(reader);
      while (!isOver.load(std::memory_order_relaxed)) {
        epochs.enter(reader);
        for (int i = 0; i < 16; i++) {
          const Value* value = cells[random.below(kCells)].load(std::memory_order_acquire);
          if (value->a != ~value->b) broken++;
        }
        rounds++;
        if (random.oneIn(8)) epochs.advance();
        if (random.oneIn(8)) {
          epochs.leave(reader);
          if (random.oneIn(4)) std::this_thread::yield();
        }
      }
      epochs.leave(reader);
    });
  }

  testing::Random random(99);
  std::vector<std::pair<uint64_t, Value*>> waiting;
  std::vector<Value*> reusable;
  uint64_t reused = 0;
  for (uint64_t i = 1; reused < 20000; i++) {
    Value* fresh = nullptr;
    if (!reusable.empty()) {
      fresh = reusable.back();
      reusable.pop_back();
      reused++;
    } else if (values.size() < 64) {
      values.push_back(std::make_unique<Value>());
      fresh = values.back().get();
    } else {
      epochs.advance();
      std::this_thread::yield();
    }
    if (fresh != nullptr) {
      *fresh = {i, ~i};
      Value* old = cells[random.below(kCells)].exchange(fresh, std::memory_order_acq_rel);
      waiting.emplace_back(epochs.stamp(), old);
    }
    std::erase_if(waiting, [&](const auto& entry) {
      if (!epochs.isSafe(entry.first)) return false;
      *entry.second = {1, 1};  // poison: a reader that still looks finds a != ~b
      reusable.push_back(entry.second);
      return true;
    });
  }
  isOver = true;
  for (auto& reader : readers) reader.join();
  CHECK_EQ(broken.load(), 0u);
  CHECK(rounds.load() > 0);
}

}  // namespace
}  // namespace tunvs::epochs_test
