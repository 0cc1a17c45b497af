#include "director/worker/defence.h"

#include "support/testing.h"

namespace tunvs::defence_test {
namespace {

TEST("a defence is off in mode 0, on in mode 3, and on in the others while memory is short") {
  Defence defence;
  Tunables tunables;
  tunables.amemthresh = 1000;
  const struct {
    uint64_t pages;
    bool isShort;
  } memories[] = {{UINT64_MAX, false}, {1000, false}, {999, true}, {0, true}, {1001, false}};
  CHECK(!defence.isOn(1, tunables));  // before the first look at the memory
  for (const auto& memory : memories) {
    defence.setAvailablePages(memory.pages);
    CHECK(!defence.isOn(0, tunables));
    CHECK_EQ(defence.isOn(1, tunables), memory.isShort);
    CHECK_EQ(defence.isOn(2, tunables), memory.isShort);
    CHECK(defence.isOn(3, tunables));
    for (const int32_t mode : {1, 2}) CHECK_EQ(defence.shown(mode, tunables), memory.isShort ? 2 : 1);
    for (const int32_t mode : {0, 3}) CHECK_EQ(defence.shown(mode, tunables), mode);
    for (int32_t mode = 0; mode <= 3; mode++) {
      tunables.secureTcp = mode;
      CHECK_EQ(defence.securesTcp(tunables), defence.isOn(mode, tunables));
    }
  }
}

TEST("drops one packet in am_droprate in mode 3, and the more, the shorter memory is, when automatic") {
  const struct {
    int32_t mode;
    uint64_t pages;
    uint32_t expected;
  } table[] = {{0, 0, 0},   {1, 1024, 0}, {2, 5000, 0}, {1, 1023, 1024},    {2, 1014, 102}, {1, 768, 4},
               {1, 512, 2}, {1, 511, 1},  {2, 0, 1},    {3, UINT64_MAX, 7}, {3, 0, 7}};
  for (const auto& row : table) {
    Defence defence;
    Tunables tunables;
    tunables.amDroprate = 7;
    tunables.dropPacket = row.mode;
    defence.setAvailablePages(row.pages);
    CHECK_EQ(defence.dropRate(tunables), row.expected);
  }
}

TEST("looks at the memory only for an automatic mode") {
  for (int32_t Tunables::*field : {&Tunables::dropEntry, &Tunables::dropPacket, &Tunables::secureTcp}) {
    for (int32_t mode = 0; mode <= 3; mode++) {
      Tunables tunables;
      tunables.*field = mode;
      CHECK_EQ(Defence::isAutomatic(tunables), mode == 1 || mode == 2);
    }
  }
}

TEST("picks the first of every n") {
  for (const uint32_t rate : {1u, 2u, 3u, 10u}) {
    EveryNth every;
    for (uint32_t i = 0; i < 5 * rate; i++) CHECK_EQ(every.picks(rate), i % rate == 0);
  }
  EveryNth none;
  for (int i = 0; i < 5; i++) CHECK(!none.picks(0));
}

TEST("picks soon when the rate rises, however long it still had to wait") {
  EveryNth every;
  CHECK(every.picks(1000));
  CHECK(!every.picks(3));
  CHECK(!every.picks(3));
  CHECK(every.picks(3));
  CHECK(every.picks(1));
}

}  // namespace
}  // namespace tunvs::defence_test
