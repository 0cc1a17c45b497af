#include "engine/idle_spin.h"

#include "support/testing.h"

namespace tunvs::idle_spin_test {
namespace {

// A worker whose packets come at given times; one takes no time to look at.
class Looker {
 public:
  explicit Looker(std::optional<uint64_t> toldNs = std::nullopt) : spin_(toldNs) {}

  // The next packet comes `gapNs` after the one before. Returns how long the worker spins for it.
  uint64_t next(uint64_t gapNs) {
    const uint64_t begin = now_;
    spin_.took();
    for (; now_ - begin < gapNs; now_ += kStepNs) {
      if (spin_.looksAgain(now_)) continue;
      const uint64_t spun = now_ - begin;
      const uint64_t sleptNs = gapNs - spun + kWakingNs;
      spin_.slept(sleptNs);
      now_ = begin + gapNs;
      sleeps++;
      return spun;
    }
    now_ = begin + gapNs;
    return gapNs;
  }

  int sleeps = 0;

 private:
  static constexpr uint64_t kStepNs = 1000;
  static constexpr uint64_t kWakingNs = 30'000;

  IdleSpin spin_;
  uint64_t now_ = 1'000'000;
};

TEST("a worker that was told nothing sleeps at once while packets come seldom") {
  Looker worker;
  for (int i = 0; i < 1000; i++) CHECK_EQ(worker.next(100'000), 0u);
  CHECK_EQ(worker.sleeps, 1000);
}

TEST("a worker that was told 0 sleeps at once, however densely packets come") {
  Looker worker(0);
  for (int i = 0; i < 1000; i++) CHECK_EQ(worker.next(10'000), 0u);
  CHECK_EQ(worker.sleeps, 1000);
}

TEST("a worker sleeps no more once packets come densely, and sleeps at once when they end") {
  Looker worker;
  for (int i = 0; i < 1000; i++) worker.next(10'000);
  CHECK(worker.sleeps <= 2);
  worker.sleeps = 0;
  CHECK_EQ(worker.next(1'000'000), IdleSpin::kSpinNs);
  CHECK_EQ(worker.sleeps, 1);
  CHECK_EQ(worker.next(1'000'000), 0u);
}

TEST("a single gap among dense packets costs a few sleeps, however often there is one") {
  Looker worker;
  for (int i = 0; i < 1000; i++) {
    for (int j = 0; j < 100; j++) worker.next(5'000);
    worker.next(40'000);
  }
  CHECK(worker.sleeps < 4 * 1000 + 10);
}

TEST("a worker hardly spins when packets come a little too late for it each time") {
  Looker worker;
  uint64_t spun = 0;
  for (int i = 0; i < 6400; i++) spun += worker.next(IdleSpin::kSpinNs + 5'000);
  CHECK(spun <= (6400 / IdleSpin::kMostSkipped + 10) * IdleSpin::kSpinNs);
  CHECK(spun > 0);
}

TEST("a worker spins for as long as it was told to, and no shorter than that for dense packets") {
  Looker worker(50'000);
  for (int i = 0; i < 100; i++) CHECK_EQ(worker.next(1'000'000), 50'000u);
  for (int i = 0; i < 100; i++) CHECK_EQ(worker.next(49'000), 49'000u);
  Looker brief(5'000);
  for (int i = 0; i < 10; i++) brief.next(15'000);
  CHECK_EQ(brief.next(15'000), 15'000u);
}

TEST("a worker that was told to spin does so when it starts, before any packet") {
  IdleSpin told(10'000);
  CHECK(told.looksAgain(5'000));
  CHECK(told.looksAgain(14'999));
  CHECK(!told.looksAgain(15'000));
  IdleSpin untold(std::nullopt);
  CHECK(!untold.looksAgain(5'000));
}

TEST("a worker whose last vector was full spins from then on, however long its packets took") {
  IdleSpin told(10'000);
  CHECK(told.looksAgain(1'000));
  told.took();  // a full vector, behind which it looks for more at once
  CHECK(told.looksAgain(100'000));
  CHECK(told.looksAgain(109'999));
  CHECK(!told.looksAgain(110'000));
}

TEST("a full vector ends a spin as other packets do, and the next spin comes as soon") {
  IdleSpin spin(std::nullopt);
  uint64_t now = 1'000'000;
  spin.took();
  CHECK(!spin.looksAgain(now));
  for (int i = 0; i < 100; i++) {
    spin.slept(40'000);
    spin.took();
    now += 40'000;
    CHECK(spin.looksAgain(now));
    spin.took();
    now += 100'000;  // for 64 packets
    CHECK(spin.looksAgain(now));
    now += IdleSpin::kSpinNs;
    CHECK(!spin.looksAgain(now));
    for (int sleeps = 0; sleeps < 2; sleeps++) {
      spin.slept(40'000);
      spin.took();
      now += 40'000;
      CHECK(!spin.looksAgain(now));
    }
  }
}

}  // namespace
}  // namespace tunvs::idle_spin_test
