#include "sync/sync_reader.h"

#include "support/sync_messages.h"
#include "support/testing.h"

namespace tunvs::sync_reader_test {
namespace {

using namespace testing;

// Returns a message of version 1 with one record of IPv4, 36 bytes, and what is put behind it.
Bytes withOptions(const Bytes& options, uint8_t count = 1) {
  Bytes message =
      fromHex("0007000000010000 0006002400000082 00019c4000500050 0000000000000384 c0000201c633640a0a000002");
  message[sync_layout::kRecordsV1] = count;
  storeBe16(&message[10], static_cast<uint16_t>(36 + options.size()));
  message = message + options;
  message.resize(sync_layout::padded(message.size()));
  storeBe16(&message[2], static_cast<uint16_t>(message.size()));
  return message;
}

Bytes text(uint8_t type, size_t bytes) { return Bytes{type, static_cast<uint8_t>(bytes)} + Bytes(bytes, uint8_t{'x'}); }

Bytes with(Bytes message, size_t at, uint8_t value) {
  message[at] = value;
  return message;
}

}  // namespace

TEST("the example message is three records, as they are meant") {
  const Bytes message = exampleSyncMessage();
  const SyncReading reading = readSync(message, 7);
  CHECK_EQ(reading.refusals.size(), 0);
  REQUIRE(reading.records.size() == 3);
  SyncRecord first;
  first.client = IpAddress::v4(192, 0, 2, 1);
  first.virtualAddress = IpAddress::v4(198, 51, 100, 10);
  first.server = IpAddress::v4(10, 0, 0, 2);
  first.clientPort = 40000;
  first.virtualPort = first.serverPort = 80;
  first.protocol = 6;
  first.state = 1;
  first.flags = kSyncNoOutput | 2;
  first.timeoutSeconds = 900;
  CHECK(reading.records[0] == first);
  CHECK(!first.isTemplate() && first.method() == SyncMethod::tunnel);
  const SyncRecord& second = reading.records[1];
  CHECK(second.isTemplate());
  CHECK_EQ(second.protocol, 17);
  CHECK_EQ(second.clientPort, 0);
  CHECK_EQ(second.engineName, "sip");
  CHECK_EQ(second.engineData, "a@b.com");
  const SyncRecord& third = reading.records[2];
  CHECK_EQ(toString(third.client), "2001:db8::1");
  CHECK_EQ(toString(third.virtualAddress), "2001:db8:f::10");
  CHECK_EQ(toString(third.server), "2001:db8:a::2");
  CHECK_EQ(third.clientPort, 40001);
  CHECK_EQ(third.state, 4);
  CHECK_EQ(third.flags, 0x182);
}

TEST("a message with another syncid is refused, unless any is taken; 0 in a message is not any") {
  const Bytes message = withOptions({});
  CHECK_EQ(refusalsOf(message, 7), "");
  CHECK_EQ(refusalsOf(message, 0), "");
  CHECK_EQ(refusalsOf(message, 8), "syncidOther");
  CHECK_EQ(refusalsOf(with(message, 1, 0), 7), "syncidOther");
}

TEST("a message of another version, or of a size that is not its own, is refused whole") {
  const Bytes message = withOptions({});
  CHECK_EQ(refusalsOf(with(message, 5, 2)), "versionUnknown");
  CHECK_EQ(refusalsOf(with(message, 7, 1)), "versionUnknown");
  CHECK_EQ(refusalsOf(with(message, 3, 43)), "sizeWrong");
  CHECK_EQ(refusalsOf(message + Bytes{0}), "sizeWrong");
  CHECK_EQ(refusalsOf(Bytes()), "headerCut");
  CHECK_EQ(refusalsOf(fromHex("000700")), "headerCut");
  CHECK_EQ(refusalsOf(fromHex("00070004")), "headerCut");
  CHECK_EQ(refusalsOf(fromHex("00070007010100")), "headerCut");
}

TEST("sequence data, an engine's data and its name are read in any order") {
  const Bytes sequences = fromHex("0118 000003e8 00000005 00000003 000007d0 00000007 fffffff9");
  const Bytes message = withOptions(text(3, 16) + sequences + text(2, 255));
  const SyncReading reading = readSync(message);
  REQUIRE(reading.records.size() == 1);
  const SyncRecord& record = reading.records[0];
  REQUIRE(record.sequences.has_value());
  CHECK(record.sequences->input == SyncSequence{1000, 5, 3});
  CHECK(record.sequences->output == SyncSequence{2000, 7, 0xfffffff9});
  CHECK_EQ(record.engineName, std::string(16, 'x'));
  CHECK_EQ(record.engineData, std::string(255, 'x'));
}

TEST("an option that may be skipped is, and the options that are known may say so of themselves") {
  const Bytes message = withOptions(text(0x49, 4) + text(0x42, 3) + text(0x43, 2));
  const SyncReading reading = readSync(message);
  REQUIRE(reading.records.size() == 1);
  CHECK_EQ(reading.records[0].engineName, "xx");
  CHECK_EQ(reading.records[0].engineData, "xxx");
}

TEST("a malformed record takes the rest of the message with it") {
  const auto refused = [](const Bytes& options) {
    // What would be a good record follows.
    Bytes message = withOptions(options, 2);
    const Bytes good = withOptions({});
    message.insert(message.end(), good.begin() + 8, good.end());
    storeBe16(&message[2], static_cast<uint16_t>(message.size()));
    CHECK(readSync(message).records.empty());
    return refusalsOf(message);
  };
  CHECK_EQ(refused({2}), "optionCut");
  CHECK_EQ(refused(text(3, 3) + Bytes{0x49}), "optionCut");
  CHECK_EQ(refused({2, 200, 'a', 'b', 'c'}), "optionCut");
  CHECK_EQ(refused({0x49, 0}), "optionEmpty");
  CHECK_EQ(refused(text(1, 23)), "optionLength");
  CHECK_EQ(refused(text(1, 25)), "optionLength");
  CHECK_EQ(refused(text(3, 17)), "optionLength");
  CHECK_EQ(refused(text(1, 24) + text(1, 24)), "optionRepeated");
  CHECK_EQ(refused(text(2, 1) + text(3, 1) + text(2, 1)), "optionRepeated");
  CHECK_EQ(refused(text(3, 1) + text(3, 1)), "optionRepeated");
}

TEST("a record that means nothing here is left out, and those around it are taken") {
  const auto refused = [](size_t at, uint8_t value, const Bytes& options = {}) {
    const Bytes good = withOptions({}), bad = with(withOptions(options), at, value);
    Bytes message = good;
    message[sync_layout::kRecordsV1] = 3;
    message.insert(message.end(), bad.begin() + 8, bad.end());
    message.insert(message.end(), good.begin() + 8, good.end());
    storeBe16(&message[2], static_cast<uint16_t>(message.size()));
    CHECK_EQ(readSync(message).records.size(), 2);
    return refusalsOf(message);
  };
  CHECK_EQ(refused(9, 47), "protocolUnknown");
  CHECK_EQ(refused(9, 0), "protocolUnknown");
  CHECK_EQ(refused(9, 17), "stateUnknown");
  CHECK_EQ(refused(17, 11), "stateUnknown");
  CHECK_EQ(refused(16, 1), "stateUnknown");
  CHECK_EQ(refused(14, 0x20), "onePacket");
  CHECK_EQ(refused(9, 6, text(9, 4) + Bytes{2}), "optionUnknown");
  CHECK_EQ(refused(9, 6, text(0x80, 4)), "optionUnknown");
  CHECK_EQ(refused(9, 6, text(2, 4)), "engineUnnamed");
}

TEST("a template has two states whatever its protocol is") {
  const auto ofState = [](uint8_t protocol, uint8_t state) {
    return refusalsOf(with(with(with(withOptions({}), 14, 0x10), 9, protocol), 17, state));
  };
  for (const uint8_t protocol : {0, 6, 17, 99, 132}) {
    CHECK_EQ(ofState(protocol, 0), "");
    CHECK_EQ(ofState(protocol, 1), "");
    CHECK_EQ(ofState(protocol, 2), "stateUnknown");
  }
}

TEST("records of version 0 are read, with sequence data in this host's byte order") {
  Bytes message = fromHex("02070000 00069c4000521f90 c0000201c633640a0a000002 06000001") + Bytes(24) +
                  fromHex("00119c4100350035 c0000201c633640a0a000002 01820000");
  storeBe16(&message[2], static_cast<uint16_t>(message.size()));
  const uint32_t numbers[] = {1000, 5, 3, 2000, 7, 6};
  std::memcpy(&message[28], numbers, sizeof numbers);
  const SyncReading reading = readSync(message, 7);
  CHECK_EQ(reading.refusals.size(), 0);
  REQUIRE(reading.records.size() == 2);
  REQUIRE(reading.records[0].sequences.has_value());
  CHECK(reading.records[0].sequences->input == SyncSequence{1000, 5, 3});
  CHECK(reading.records[0].sequences->output == SyncSequence{2000, 7, 6});
  CHECK_EQ(reading.records[0].serverPort, 8080);
  CHECK(!reading.records[1].sequences.has_value());
  CHECK_EQ(toString(reading.records[1].client), "192.0.2.1");
  CHECK_EQ(reading.records[1].clientPort, 40001);
  CHECK_EQ(reading.records[1].timeoutSeconds, 0);

  message.resize(28 + 23);
  storeBe16(&message[2], static_cast<uint16_t>(message.size()));
  CHECK_EQ(refusalsOf(message), "sequencesCut");
}

TEST("a message that ends early gives the records before its end, whatever its size says") {
  const Bytes whole = exampleSyncMessage();
  const size_t ends[] = {8 + 36, 8 + 36 + 50, whole.size()};
  for (size_t length = 0; length < whole.size(); length++) {
    Bytes cut = firstOf(whole, length);
    CHECK_EQ(refusalsOf(Exact(cut).span()), length < 4 ? "headerCut" : "sizeWrong");
    if (length < 4) continue;
    storeBe16(&cut[2], static_cast<uint16_t>(length));
    const Exact held(cut);
    const SyncReading reading = readSync(held.span());
    if (!CHECK_EQ(reading.records.size(),
                  static_cast<size_t>(
                      std::count_if(std::begin(ends), std::end(ends), [&](size_t end) { return end <= length; })))) {
      std::printf("      cut to %zu bytes\n", length);
    }
    CHECK_EQ(reading.refusals.size(), 1);
  }
}

TEST("random bytes and damaged messages are read without a step beyond their end") {
  Random random(20);
  size_t taken = 0, refused = 0;
  for (size_t round = 0; round < 200'000 / kFewer; round++) {
    Bytes bytes = random.oneIn(3) ? noise(random, random.below(120)) : exampleSyncMessage();
    for (uint32_t changes = random.below(4); changes > 0 && !bytes.empty(); changes--) {
      bytes[random.below(static_cast<uint32_t>(bytes.size()))] = static_cast<uint8_t>(random.next());
    }
    if (random.oneIn(4)) bytes.resize(random.below(static_cast<uint32_t>(bytes.size()) + 8));
    if (bytes.size() >= 4 && !random.oneIn(8)) storeBe16(&bytes[2], static_cast<uint16_t>(bytes.size()));
    const Exact held(bytes);
    const SyncReading reading = readSync(held.span());
    taken += reading.records.size();
    refused += reading.refusals.size();
  }
  CHECK(taken > 100'000 / kFewer && refused > 50'000 / kFewer);
}

}  // namespace tunvs::sync_reader_test
