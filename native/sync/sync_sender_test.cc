#include "sync/sync_sender.h"

#include "support/sync_messages.h"
#include "support/testing.h"

namespace tunvs::sync_sender_test {
namespace {

using namespace testing;

struct Sent {
  size_t port;
  Bytes message;
  size_t records;
};

struct Collected {
  explicit Collected(const SyncSender::Options& options)
      : sender(options, [this](size_t port, std::span<const uint8_t> message, size_t records) {
          sent.push_back({port, bytesOf(message), records});
        }) {}
  std::vector<Sent> sent;
  SyncSender sender;
};

SyncRecord recordOf(uint8_t client, uint16_t port = 1000) {
  SyncRecord record;
  record.client = IpAddress::v4(192, 0, 2, client);
  record.virtualAddress = IpAddress::v4(198, 51, 100, 10);
  record.server = IpAddress::v4(10, 0, 0, 2);
  record.clientPort = port;
  record.virtualPort = record.serverPort = 80;
  record.protocol = 6;
  record.state = 1;
  record.flags = 0x82;
  return record;
}

}  // namespace

TEST("a message leaves when the next record does not fit") {
  Collected c({.syncid = 7, .maxBytes = 8 + 4 * 36});
  for (uint8_t i = 0; i < 9; i++) CHECK(c.sender.add(recordOf(i), SyncVersion::v1, 0));
  REQUIRE(CHECK_EQ(c.sent.size(), 2));
  for (const Sent& each : c.sent) {
    CHECK_EQ(each.records, 4);
    CHECK_EQ(each.message.size(), 8 + 4 * 36);
    CHECK_EQ(readSync(each.message, 7).records.size(), 4);
  }
  c.sender.flushAll();
  REQUIRE(CHECK_EQ(c.sent.size(), 3));
  CHECK(readSync(c.sent[2].message, 7).records == std::vector{recordOf(8)});
}

TEST("a message leaves two seconds after its first record") {
  Collected c({.syncid = 7});
  CHECK(!c.sender.waitMs(0));
  c.sender.add(recordOf(1), SyncVersion::v1, 100);
  c.sender.add(recordOf(2), SyncVersion::v1, 1900);
  CHECK_EQ(*c.sender.waitMs(1900), 200);
  c.sender.flush(2099);
  CHECK(c.sent.empty());
  c.sender.flush(2100);
  CHECK_EQ(c.sent.size(), 1);
  CHECK(!c.sender.waitMs(2100));
  c.sender.flush(9999);
  CHECK_EQ(c.sent.size(), 1);
  c.sender.add(recordOf(3), SyncVersion::v1, 9999);
  CHECK_EQ(*c.sender.waitMs(9999), 2000);
}

TEST("of several ports, one gets all of a client's records") {
  Collected c({.syncid = 7, .ports = 4});
  for (uint8_t client = 0; client < 100; client++) {
    for (uint16_t port = 1; port < 4; port++) c.sender.add(recordOf(client, port), SyncVersion::v1, 0);
  }
  c.sender.flushAll();
  std::vector<std::vector<size_t>> ports(100);
  bool isUsed[4] = {};
  for (const Sent& each : c.sent) {
    isUsed[each.port] = true;
    for (const SyncRecord& record : readSync(each.message).records) {
      ports[record.client.bytes[3]].push_back(each.port);
    }
  }
  for (const auto& of : ports) CHECK(of.size() == 3 && of[0] == of[1] && of[1] == of[2]);
  for (const bool each : isUsed) CHECK(each);
}

TEST("another version begins another message") {
  Collected c({.syncid = 7});
  c.sender.add(recordOf(1), SyncVersion::v1, 0);
  c.sender.add(recordOf(2), SyncVersion::v0, 0);
  REQUIRE(CHECK_EQ(c.sent.size(), 1));
  CHECK(versionOf(c.sent[0].message) == SyncVersion::v1);
  c.sender.flushAll();
  REQUIRE(CHECK_EQ(c.sent.size(), 2));
  CHECK(versionOf(c.sent[1].message) == SyncVersion::v0);
}

TEST("a record that no message can hold is refused, and takes nothing else with it") {
  Collected c({.syncid = 7, .maxBytes = SyncSender::kLeastBytes});
  SyncRecord record = recordOf(1);
  record.engineName = "sip";
  record.engineData = kSyncText.substr(0, 200);
  c.sender.add(recordOf(2), SyncVersion::v1, 0);
  CHECK(!c.sender.add(record, SyncVersion::v1, 0));
  c.sender.flushAll();
  REQUIRE(CHECK_EQ(c.sent.size(), 1));
  CHECK_EQ(c.sent[0].records, 1);
}

}  // namespace tunvs::sync_sender_test
