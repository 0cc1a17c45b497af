#include "sync/sync_writer.h"

#include "support/sync_messages.h"
#include "support/testing.h"

namespace tunvs::sync_writer_test {
namespace {

using namespace testing;

SyncRecord plainRecord() { return readSync(exampleSyncMessage()).records[0]; }

SyncAdded addedTo(size_t room, SyncVersion version, const SyncRecord& record) {
  const Exact held(room);
  return SyncWriter(held.span(), version, 1).add(record);
}

}  // namespace

TEST("the example message is written as it was read") {
  const Bytes example = exampleSyncMessage();
  const std::vector<Bytes> messages = writeSync(readSync(example).records, SyncVersion::v1, 7, 1472);
  REQUIRE(messages.size() == 1);
  CHECK(messages[0] == example);
}

TEST("a message without records is empty, and the next begins anew") {
  const Exact room(200);
  SyncWriter writer(room.span(), SyncVersion::v1, 9);
  CHECK(writer.message().empty());
  CHECK(writer.add(plainRecord()) == SyncAdded::yes);
  CHECK_EQ(writer.message().size(), 44);
  writer.start();
  CHECK(writer.message().empty());
  CHECK(writer.add(plainRecord()) == SyncAdded::yes);
  CHECK_EQ(writer.message().size(), 44);
  CHECK_EQ(writer.message()[sync_layout::kSyncid], 9);
}

TEST("a message is filled to its last byte, and holds no more than 255 records") {
  std::vector<SyncRecord> records(300, plainRecord());
  for (const auto& [version, header, each] :
       {std::tuple{SyncVersion::v1, size_t{8}, size_t{36}}, std::tuple{SyncVersion::v0, size_t{4}, size_t{24}}}) {
    const auto exact = writeSync(std::span(records).first(41), version, 7, header + 40 * each);
    REQUIRE(exact.size() == 2);
    CHECK_EQ(exact[0].size(), header + 40 * each);
    CHECK_EQ(exact[1].size(), header + each);
    const auto less = writeSync(std::span(records).first(40), version, 7, header + 40 * each - 1);
    REQUIRE(less.size() == 2);
    CHECK_EQ(less[0].size(), header + 39 * each);
    const auto many = writeSync(records, version, 7, 70'000);
    REQUIRE(many.size() == 2);
    CHECK_EQ(readSync(many[0], 7).records.size(), 255);
    CHECK_EQ(readSync(many[1], 7).records.size(), 45);
  }
}

TEST("what a version has no place for, or a message no room, is never added") {
  const SyncRecord record = plainRecord();
  CHECK(addedTo(44, SyncVersion::v1, record) == SyncAdded::yes);
  CHECK(addedTo(43, SyncVersion::v1, record) == SyncAdded::never);
  CHECK(addedTo(28, SyncVersion::v0, record) == SyncAdded::yes);
  CHECK(addedTo(27, SyncVersion::v0, record) == SyncAdded::never);

  SyncRecord mixed = record;
  mixed.server = IpAddress::v6(Bytes(16).data());
  SyncRecord ipv6 = mixed;
  ipv6.client = ipv6.virtualAddress = ipv6.server;
  SyncRecord named = record, unnamed = record, long1 = record, long2 = record;
  named.engineName = "sip";
  named.engineData = unnamed.engineData = "call";
  long1.engineName = kSyncText.substr(0, 17);
  long2.engineName = "sip";
  long2.engineData = kSyncText.substr(0, 256);
  const auto added = [](SyncVersion version, const SyncRecord& one) { return addedTo(500, version, one); };
  CHECK(added(SyncVersion::v1, mixed) == SyncAdded::never);
  CHECK(added(SyncVersion::v0, mixed) == SyncAdded::never);
  CHECK(added(SyncVersion::v1, ipv6) == SyncAdded::yes);
  CHECK(added(SyncVersion::v0, ipv6) == SyncAdded::never);
  CHECK(added(SyncVersion::v1, named) == SyncAdded::yes);
  CHECK(added(SyncVersion::v0, named) == SyncAdded::never);
  CHECK(added(SyncVersion::v1, unnamed) == SyncAdded::never);
  CHECK(added(SyncVersion::v1, long1) == SyncAdded::never);
  CHECK(added(SyncVersion::v1, long2) == SyncAdded::never);
}

TEST("version 0 writes sequence data as the flags announce it, and leaves out what it has no field for") {
  SyncRecord record = plainRecord();
  record.mark = 5;
  record.sequences = SyncSequencePair{{1, 2, 3}, {4, 5, 6}};
  const auto again = [](const SyncRecord& one) {
    const auto messages = writeSync(std::span(&one, 1), SyncVersion::v0, 7, 100);
    return readSync(messages[0]).records[0];
  };
  SyncRecord unannounced = again(record);
  CHECK(!unannounced.sequences.has_value());
  CHECK_EQ(unannounced.mark, 0);
  CHECK_EQ(unannounced.timeoutSeconds, 0);
  record.flags |= kSyncInputSequence;
  CHECK(again(record).sequences == record.sequences);
  record.sequences.reset();
  CHECK(again(record).sequences == SyncSequencePair());
}

TEST("random records come out of their messages as they went in, in both versions and messages of any size") {
  Random random(21);
  for (const SyncVersion version : {SyncVersion::v1, SyncVersion::v0}) {
    for (size_t round = 0; round < 2000 / kFewer; round++) {
      std::vector<SyncRecord> records(random.below(60));
      for (SyncRecord& record : records) record = anySyncRecord(random, version);
      const size_t maxBytes = 400 + random.below(2000);
      std::vector<SyncRecord> read;
      const std::vector<Bytes> messages = writeSync(records, version, 7, maxBytes);
      for (const Bytes& message : messages) {
        CHECK(message.size() <= maxBytes && message.size() % 4 == 0);
        CHECK(versionOf(message) == version);
        const SyncReading reading = readSync(message, 7);
        CHECK_EQ(reading.refusals.size(), 0);
        read.insert(read.end(), reading.records.begin(), reading.records.end());
      }
      REQUIRE(read == records);
    }
  }
}

}  // namespace tunvs::sync_writer_test
