// What a port over TUN says of the offload by which GUE leaves in trains.
#include "io/port_list.h"
#include "support/network_namespace.h"
#include "support/testing.h"

namespace tunvs::tun_port_offloads_test {
namespace {

struct Row {
  const char* egress;
  std::vector<std::string> offloads;
  bool isInForce;
  const char* reason;  // part of it, or of the refusal
  bool isRefused = false;
};

TEST_WITH_TUN("GUE leaves in trains by the packet egress alone, and who asks for it by name elsewhere is refused") {
  const Row rows[] = {
      {"packet", {"auto"}, true, ""},
      {"packet", {"tso", "gue"}, true, ""},
      {"packet", {"tso"}, false, "not asked for"},
      {"packet", {"off"}, false, "not asked for"},
      {"raw", {"auto"}, false, "only the packet egress sends trains, and the egress is 'raw'"},
      {"tun", {"auto"}, false, "only the packet egress sends trains, and the egress is 'tun'"},
      {"raw", {"tso", "gue"}, false, "leave it out of the offloads, or give 'auto'", true},
  };
  for (const Row& row : rows) {
    const auto choice = OffloadChoice::parse(row.offloads);
    REQUIRE(choice.ok());
    PortOptions options;
    options.kind = "tun";
    options.device = "tunvs0";
    options.egress = row.egress;
    options.offloads = choice.value();
    PortContext context;
    context.egress.sources = {IpAddress::v4(10, 1, 0, 1)};
    auto port = openPort(options, context);
    CHECK_EQ(port.ok(), !row.isRefused);
    if (!port.ok()) {
      CHECK(port.error().message.find(row.reason) != std::string::npos);
      continue;
    }
    const OffloadState state = port.value()->offloads().back();
    CHECK_EQ(state.name, "gue");
    CHECK_EQ(state.isInForce, row.isInForce);
    CHECK_EQ(state.reason, row.reason);
  }
}

}  // namespace
}  // namespace tunvs::tun_port_offloads_test
