#include "bench/delay.h"

#include <algorithm>
#include <cstring>

#include "bench/bench_packet.h"
#include "support/network_namespace.h"
#include "support/testing.h"

namespace tunvs::bench::delay_test {
namespace {

using testing::run;

constexpr uint32_t kBytes = 64;
const IpAddress kVip = IpAddress::v4(192, 0, 2, 1);

DelayOptions options() {
  DelayOptions options;
  options.interfaceName = "left";
  options.destinationMac = {2, 0, 0, 0, 0, 9};
  options.virtualAddress = kVip;
  options.port = 5000;
  options.flows = 16;
  options.packetsPerSecond = 10'000;
  options.durationMs = 50;
  options.receiverNamespace = "/proc/thread-self/ns/net";
  options.receiverInterface = "right";
  return options;
}

void makeLink() {
  run("ip link add left type veth peer name right && ip link add other type veth peer name none0 && ip link set left "
      "up && "
      "ip link set right up && ip link set other up");
}

std::string refusal(const DelayOptions& options) {
  const auto result = measureDelay(options);
  return result.ok() ? "" : result.error().message;
}

TEST("a quantile is the least value that at least its share of all is not above") {
  const std::vector<uint32_t> values = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  CHECK_EQ(quantile(values, 0.5), 5u);
  CHECK_EQ(quantile(values, 0.51), 6u);
  CHECK_EQ(quantile(values, 0.99), 10u);
  CHECK_EQ(quantile(values, 1), 10u);
  CHECK_EQ(quantile(values, 0.001), 1u);
  CHECK_EQ(quantile({values.data(), 1}, 0.5), 1u);
  CHECK_EQ(quantile({}, 0.5), 0u);
}

TEST("a datagram's stamp is found, bare and in an outer header, and in nothing else") {
  uint8_t bytes[kIpv4HeaderBytes + kBytes] = {0x45};
  uint8_t* const inner = bytes + kIpv4HeaderBytes;
  bytes[9] = 4;
  PacketTemplate(IpProtocol::udp, kVip, 5000, kBytes, 0).write(inner, 3);
  const DelayStamp stamp{1234, 56, 789};
  std::memcpy(inner + 28, &stamp, sizeof stamp);
  for (const std::span<const uint8_t> packet : {std::span<const uint8_t>(bytes), {inner, kBytes}, {inner, 52}}) {
    const auto found = readStamp(packet);
    REQUIRE(found.has_value());
    CHECK_EQ(found->begin, 1234u);
    CHECK_EQ(found->number, 56u);
    CHECK_EQ(found->sentAt, 789u);
  }
  for (size_t length = 0; length < 52; length++) CHECK(!readStamp({inner, length}));
  for (size_t length = 0; length < 72; length++) CHECK(!readStamp({bytes, length}));
  inner[9] = 6;
  CHECK(!readStamp(bytes));
  CHECK(!readStamp({inner, kBytes}));
}

TEST_IN_NAMESPACE("each packet has its delay, and packets of an earlier measurement are not taken for its own") {
  makeLink();
  for (int i = 0; i < 2; i++) {
    const auto result = measureDelay(options());
    REQUIRE(result.ok());
    const DelayResult& value = result.value();
    CHECK_EQ(value.sent, 500u);
    CHECK_EQ(value.received, 500u);
    CHECK_EQ(value.delays.size(), 500u);
    CHECK_EQ(value.lateness.size(), 500u);
    CHECK(std::is_sorted(value.delays.begin(), value.delays.end()));
    CHECK(std::is_sorted(value.lateness.begin(), value.lateness.end()));
    CHECK(value.delays.back() < kLost);
    // The last of 500 is due 49.9 ms after the first.
    CHECK(value.ns >= 49'900'000);
    CHECK(value.delays.front() > 0);
  }
}

TEST_IN_NAMESPACE("a measurement goes on when the ring of frames has gone round") {
  makeLink();
  DelayOptions longer = options();
  longer.packetsPerSecond = 100'000;
  longer.durationMs = 400;
  const auto result = measureDelay(longer);
  REQUIRE(result.ok());
  CHECK_EQ(result.value().received, 40'000u);
}

TEST_IN_NAMESPACE("packets that do not come are waited for, and are later than all others") {
  makeLink();
  DelayOptions elsewhere = options();
  elsewhere.receiverInterface = "other";
  const auto result = measureDelay(elsewhere);
  REQUIRE(result.ok());
  CHECK_EQ(result.value().sent, 500u);
  CHECK_EQ(result.value().received, 0u);
  CHECK_EQ(result.value().delays.size(), 500u);
  CHECK_EQ(quantile(result.value().delays, 0.001), kLost);
}

TEST_IN_NAMESPACE("a measurement refuses what it can't do, and says what is wrong") {
  makeLink();
  const auto with = [](auto change) {
    DelayOptions changed = options();
    change(changed);
    return refusal(changed);
  };
  CHECK_EQ(with([](DelayOptions& o) { o.packetBytes = 51; }), "delay: packetBytes is from 52 to 1500");
  CHECK_EQ(with([](DelayOptions& o) { o.packetsPerSecond = 0; }), "delay: packetsPerSecond is from 1 to 10^6");
  CHECK_EQ(with([](DelayOptions& o) { o.durationMs = 60'001; }), "delay: durationMs is from 1 to 60000");
  CHECK_EQ(with([](DelayOptions& o) { o.flows = 0; }), "delay: flows is from 1 to 2^24");
  CHECK_EQ(with([](DelayOptions& o) { o.port = 0; }), "delay: port is from 1 to 65535");
  CHECK_EQ(with([](DelayOptions& o) { o.virtualAddress = parseIpAddress("2001:db8::1").value(); }),
           "delay: virtualAddress is an IPv4 address");
  CHECK(with([](DelayOptions& o) { o.interfaceName = "none"; }).find("no interface \"none\"") != std::string::npos);
  CHECK(with([](DelayOptions& o) { o.receiverInterface = "none"; }).find("no interface \"none\"") != std::string::npos);
  CHECK(with([](DelayOptions& o) { o.receiverNamespace = "/none"; }).find("\"/none\"") != std::string::npos);
}

}  // namespace
}  // namespace tunvs::bench::delay_test
