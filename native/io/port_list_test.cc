#include "io/port_list.h"

#include "support/network_namespace.h"
#include "support/testing.h"

namespace tunvs::port_list_test {
namespace {

TEST("a port is opened by its name, and an unknown name is refused with the names there are") {
  PortContext context;
  const auto unknown = openPort({.kind = "pigeon"}, context);
  REQUIRE(!unknown.ok());
  CHECK(unknown.error().code == ErrorCode::invalidArgument);
  for (const std::string_view name : portNames()) CHECK(unknown.error().message.find(name) != std::string::npos);
}

TEST("if the only port that may work fails, the error is that port's own") {
  PortContext context;
  for (const char* kind : {"auto", "tun"}) {
    const auto refused = openPort({.kind = kind, .device = "a/b"}, context);
    REQUIRE(!refused.ok());
    CHECK(refused.error().message.find("'a/b'") != std::string::npos);
  }
}

TEST(
    "packets that come in by a mark's port are sent by the main port's egress, to the host by the main port's device") {
  const bool isMade = testing::inNetworkNamespaceWithTun([] {
    PortContext context;
    auto main = openPort({.device = "main0", .queues = 2, .maxPacketBytes = 2048, .egress = "tun"}, context);
    REQUIRE(main.ok());
    CHECK_EQ(main.value()->egress(), "tun");
    context.main = main.value().get();
    auto marked = openPort({.device = "mark0", .queues = 3, .maxPacketBytes = 2048, .egress = "raw"}, context);
    REQUIRE(marked.ok());
    CHECK_EQ(marked.value()->name(), "mark0");
    CHECK_EQ(marked.value()->egress(), "tun");
    REQUIRE(marked.value()->queueCount() == 3u);
    REQUIRE(testing::run("ip link set main0 up && ip link set mark0 up"));
    uint8_t room[kHeadroom + 20] = {};
    room[kHeadroom] = 0x45;
    const OutputPacket output{room + kHeadroom, 20, IpAddress::v4(10, 0, 0, 1)};
    PacketVector read(2048);
    for (size_t i = 0; i < 3; i++) {
      for (const OutputWay way : {OutputWay::server, OutputWay::client, OutputWay::host})
        CHECK_EQ(marked.value()->queue(i).send({&output, 1}, way, read).sent, 1u);
    }
    // The host receives what is written to a TUN device, and counts it there.
    testing::run("test \"$(ip -s link show dev main0 | awk '/RX:/ {getline; print $2}')\" = 9");
    testing::run("test \"$(ip -s link show dev mark0 | awk '/RX:/ {getline; print $2}')\" = 0");
  });
  if (!isMade) SKIP(testing::kNoTun);
}

}  // namespace
}  // namespace tunvs::port_list_test
