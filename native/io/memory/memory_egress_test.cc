#include "io/memory/memory_egress.h"

#include "support/testing.h"

namespace tunvs::memory_egress_test {
namespace {

TEST("a memory egress keeps the bytes and the next hop of what was sent, until it is taken") {
  MemoryEgress egress;
  uint8_t bytes[3] = {1, 2, 3};
  const OutputPacket packets[] = {{bytes, 3, IpAddress::v4(10, 0, 0, 1)}, {bytes, 2, IpAddress::v4(10, 0, 0, 2)}};
  const SendResult result = egress.send(packets);
  CHECK_EQ(result.sent, 2u);
  const auto sent = egress.take();
  REQUIRE(sent.size() == 2);
  CHECK_EQ(sent[1].bytes, std::vector<uint8_t>{1, 2});
  CHECK_EQ(sent[1].nextHop, IpAddress::v4(10, 0, 0, 2));
  CHECK(egress.take().empty());
  CHECK_EQ(egress.packets(), 2u);
  CHECK_EQ(egress.bytes(), 5u);
}

TEST("a counting memory egress keeps nothing") {
  MemoryEgress egress(MemoryEgress::Mode::count);
  uint8_t bytes[3] = {1, 2, 3};
  const OutputPacket packet{bytes, 3, {}};
  CHECK_EQ(egress.send({&packet, 1}).sent, 1u);
  CHECK(egress.take().empty());
  CHECK_EQ(egress.bytes(), 3u);
}

TEST("a memory egress refuses as many packets as it was told to") {
  MemoryEgress egress;
  uint8_t bytes[1] = {1};
  const OutputPacket packets[] = {{bytes, 1, {}}, {bytes, 1, {}}};
  egress.refuse(3);
  CHECK_EQ(egress.send(packets).noBuffer, 2u);
  const SendResult result = egress.send(packets);
  CHECK_EQ(result.noBuffer, 1u);
  CHECK_EQ(result.sent, 1u);
}

}  // namespace
}  // namespace tunvs::memory_egress_test
