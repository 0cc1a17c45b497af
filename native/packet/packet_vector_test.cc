#include "packet/packet_vector.h"

#include <cstring>

#include "support/testing.h"

namespace tunvs::packet_vector_test {
namespace {

TEST("a vector gives each packet its headroom and as many bytes as were asked for, none of them shared") {
  for (const size_t maxPacketBytes : {size_t{64}, size_t{1500}, size_t{2049}, kMaxPacketBytes}) {
    PacketVector vector(maxPacketBytes);
    for (size_t i = 0; i < kVectorSize; i++) {
      std::memset(vector.buffer(i) - kHeadroom, static_cast<int>(i), kHeadroom + maxPacketBytes);
    }
    bool isIntact = true;
    for (size_t i = 0; i < kVectorSize; i++) {
      isIntact &=
          vector.buffer(i)[-static_cast<ptrdiff_t>(kHeadroom)] == i && vector.buffer(i)[maxPacketBytes - 1] == i;
      isIntact &= reinterpret_cast<uintptr_t>(vector.buffer(i)) % 64 == 0;
    }
    CHECK(isIntact);
  }
}

TEST("a vector forgets moved data pointers and lengths on reset") {
  PacketVector vector(128);
  vector[5] = {vector.buffer(5) + 14, 99};
  vector.setCount(6);
  CHECK_EQ(vector.packets().size(), 6u);
  vector.reset();
  CHECK_EQ(vector.count(), 0u);
  CHECK(vector[5].data == vector.buffer(5));
  CHECK_EQ(vector[5].length, 0u);
}

TEST("a vector owns its buffers and their headroom, and no byte beside them") {
  PacketVector vector(200), other(200);
  for (size_t i = 0; i < kVectorSize; i++) {
    CHECK(vector.owns(vector.buffer(i) - kHeadroom) && vector.owns(vector.buffer(i) + 199));
    CHECK(!other.owns(vector.buffer(i)));
  }
  CHECK(!vector.owns(vector.buffer(0) - kHeadroom - 1));
  CHECK(!vector.owns(vector.buffer(kVectorSize - 1) + 1000));
}

TEST("a vector is held until every packet that was held is released") {
  PacketVector vector(64);
  CHECK(!vector.isHeld());
  vector.hold();
  vector.hold();
  vector.release();
  CHECK(vector.isHeld());
  vector.release();
  CHECK(!vector.isHeld());
}

}  // namespace
}  // namespace tunvs::packet_vector_test
