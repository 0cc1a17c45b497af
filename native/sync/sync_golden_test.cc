// Holds messages to those of a real IPVS: what its master sent is read and written again byte for byte, and of what its
// backup was sent, the same records are taken.
#include <map>
#include <set>

#include "director/protocol/protocol_state.h"
#include "support/json.h"
#include "support/sync_messages.h"
#include "support/testing.h"

namespace tunvs::sync_golden_test {
namespace {

using namespace testing;

constexpr size_t kMasterBytes = 1472;  // the recorded master's --sync-maxlen

// Writes a record as the recordings' `message` does, as far as both versions have it.
std::string described(const SyncRecord& record) {
  char text[64];
  std::snprintf(text, sizeof text, " proto %u flags 0x%x state %u", unsigned{record.protocol}, record.flags,
                unsigned{record.state});
  const auto place = [](const IpAddress& address, uint16_t port) {
    return " " + toString(address) + " " + std::to_string(port);
  };
  return place(record.client, record.clientPort) + place(record.virtualAddress, record.virtualPort) +
         place(record.server, record.serverPort) + text + " mark " + std::to_string(record.mark) + " timeout " +
         std::to_string(record.timeoutSeconds);
}
std::string described(const Json& record) {
  const auto number = [&](const char* key) { return std::to_string(record[key].integer()); };
  return " " + record["client"].text() + " " + number("cport") + " " + record["virtual"].text() + " " +
         number("vport") + " " + record["server"].text() + " " + number("dport") + " proto " + number("proto") +
         " flags " + record["flags"].text() + " state " + number("state") + " mark " + number("fwmark") + " timeout " +
         number("timeout");
}

template <typename Visit>
void eachRound(const Json& recording, Visit visit) {
  for (const Json& run : recording["runs"].items()) {
    for (const Json& round : run["rounds"].items()) visit(round["datagrams"].items());
  }
}

// Writes an address as /proc/net/ip_vs_conn_sync does.
std::string listed(const IpAddress& address) {
  std::string text;
  for (size_t i = 0; i < addressBytes(address.family); i++) {
    char digits[4];
    std::snprintf(digits, sizeof digits, address.isV4() ? "%02X" : "%02x", unsigned{address.bytes[i]});
    if (!address.isV4() && i % 2 == 0 && i > 0) text += ':';
    text += digits;
  }
  return text;
}

std::string_view stateListed(const SyncRecord& record) {
  if (record.isTemplate()) return record.state == 1 ? "ASSURED" : "NONE";
  return stateName(record.protocol, static_cast<uint8_t>(record.state));
}

// A Listed is an entry's line there, without its origin.
struct Listed {
  std::string place;
  std::string state;
  int64_t seconds = 0;
};
Listed listed(const SyncRecord& record) {
  const char* const protocol = record.protocol == 6 ? "TCP" : record.protocol == 17 ? "UDP" : "SCTP";
  char ports[3][8];
  for (size_t i = 0; i < 3; i++) {
    const uint16_t port = i == 0 ? record.clientPort : i == 1 ? record.virtualPort : record.serverPort;
    std::snprintf(ports[i], sizeof ports[i], "%04X", unsigned{port});
  }
  int64_t seconds = record.timeoutSeconds;
  if (seconds == 0 && record.protocol == 6) seconds = kTcpDefaultTimeouts[record.state];
  return {std::string(protocol) + " " + listed(record.client) + " " + ports[0] + " " + listed(record.virtualAddress) +
              " " + ports[1] + " " + listed(record.server) + " " + ports[2],
          std::string(stateListed(record)), seconds};
}
Listed listed(const std::string& line) {
  std::vector<std::string> words;
  for (size_t at = 0; (at = line.find_first_not_of(' ', at)) != std::string::npos;) {
    const size_t end = std::min(line.find(' ', at), line.size());
    words.push_back(line.substr(at, end - at));
    at = end;
  }
  if (words.size() != 10) std::abort();
  Listed entry{words[0], words[7], std::stoll(words[9])};
  for (size_t i = 1; i < 7; i++) entry.place += " " + words[i];
  return entry;
}

// This is what the kernel says of a refusal in its log; of all others it says nothing.
const std::map<std::string, std::set<SyncRefusal>> kSaid = {
    {"IPVS: BACKUP, Dropping buffer, too small", {SyncRefusal::recordCut}},
    {"IPVS: BACKUP, Dropping buffer, msg > buffer", {SyncRefusal::recordTooLong}},
    {"IPVS: BACKUP, Dropping buffer, Unknown version 1", {SyncRefusal::recordVersion}},
    {"IPVS: BACKUP, Dropping buffer, Err: -10 in decoding", {SyncRefusal::recordType}},
    {"IPVS: BACKUP, Dropping buffer, Err: -20 in decoding", {SyncRefusal::recordTooShort}},
    {"IPVS: BACKUP, Dropping buffer, Err: -40 in decoding", {SyncRefusal::optionCut, SyncRefusal::optionEmpty}},
    {"IPVS: BACKUP, Dropping buffer, Err: -50 in decoding", {SyncRefusal::optionRepeated}},
    {"IPVS: BACKUP, Invalid PE parameters", {SyncRefusal::engineUnnamed}},
    {"IPVS: BACKUP v0, Dropping buffer bogus conn options", {SyncRefusal::sequencesCut}},
    {"IPVS: BACKUP v0, bogus conn", {SyncRefusal::recordCut}},
};

// A Backup has taken the messages of one case of the recording, and is compared with IPVS's behind each.
class Backup {
 public:
  // Compares what is taken with the entries that there are then. `isTaken` is false for what the recorded backup left
  // out for a reason that is not the message's.
  void compareEntries(const Json& step, const std::vector<SyncRecord>& records, bool isTaken) {
    std::map<std::string, Listed> entries;
    for (const Json& line : step["conn_sync"].items()) {
      const Listed entry = listed(line.text());
      entries[entry.place] = entry;
    }
    if (!isTaken) {
      CHECK(entries.empty());
      return;
    }
    std::map<std::string, Listed> last;  // a message may tell of one connection twice
    for (const SyncRecord& record : records) {
      SyncRecord anyServer = record;
      anyServer.server = record.client;
      anyServer.serverPort = 0;
      known_.insert(listed(anyServer).place);
      last[listed(record).place] = listed(record);
    }
    CHECK_EQ(entries.size(), known_.size());
    for (const auto& [place, entry] : last) {
      if (!CHECK(entries.contains(place))) continue;
      CHECK_EQ(entries[place].state, entry.state);
      // It cuts timeouts off, and was asked a moment later.
      const int64_t limit = std::min<int64_t>(entry.seconds, 4294966);
      CHECK(entries[place].seconds < limit && entries[place].seconds >= limit - 3);
    }
  }

 private:
  std::set<std::string> known_;  // the entries, without their servers
};

void compareEngines(const Json& step, const std::vector<SyncRecord>& records) {
  std::string taken, recorded;
  for (const SyncRecord& record : records) {
    if (!record.engineData.empty()) taken += std::string(record.engineName) + " " + std::string(record.engineData);
  }
  for (const Json& engine : step["pe"].items()) recorded += engine.items()[0].text() + " " + engine.items()[1].text();
  CHECK_EQ(taken, recorded);
}

void compareLog(const Json& step, const std::vector<SyncRefusal>& refusals) {
  std::vector<SyncRefusal> loud;
  for (const SyncRefusal refusal : refusals) {
    const auto isMeant = [&](const auto& said) { return said.second.contains(refusal); };
    if (std::ranges::any_of(kSaid, isMeant)) loud.push_back(refusal);
  }
  const std::vector<Json>& lines = step["dmesg"].items();
  CHECK_EQ(loud.size(), lines.size());
  for (size_t i = 0; i < std::min(loud.size(), lines.size()); i++) {
    const auto said = kSaid.find(lines[i].text());
    CHECK(said != kSaid.end() && said->second.contains(loud[i]));
  }
}

}  // namespace

TEST("what IPVS's master sent is read as the recording reads it") {
  const auto recording = goldenJson("sync-master.json");
  if (!recording) SKIP("test/golden is not there");
  size_t records = 0;
  eachRound(*recording, [&](const std::vector<Json>& datagrams) {
    for (const Json& datagram : datagrams) {
      const Bytes bytes = fromHex(datagram["hex"].text());
      const SyncReading reading = readSync(bytes, 7);
      const Json& message = datagram["message"];
      CHECK_EQ(message["version"].integer(), versionOf(bytes) == SyncVersion::v1 ? 1 : 0);
      CHECK_EQ(reading.refusals.size(), 0);
      REQUIRE(CHECK_EQ(reading.records.size(), message["record"].items().size()));
      for (size_t i = 0; i < reading.records.size(); i++) {
        CHECK_EQ(described(reading.records[i]), described(message["record"].items()[i]));
      }
      records += reading.records.size();
    }
  });
  CHECK_EQ(records, 603);
}

TEST("what IPVS's master sent is written as it was, and put into messages as it was") {
  const auto recording = goldenJson("sync-master.json");
  if (!recording) SKIP("test/golden is not there");
  size_t messages = 0;
  eachRound(*recording, [&](const std::vector<Json>& datagrams) {
    if (datagrams.empty()) return;
    std::vector<Bytes> sent;
    std::vector<SyncRecord> records;
    for (const Json& datagram : datagrams) sent.push_back(fromHex(datagram["hex"].text()));
    for (const Bytes& each : sent) {
      const SyncReading reading = readSync(each, 7);
      records.insert(records.end(), reading.records.begin(), reading.records.end());
    }
    CHECK(writeSync(records, versionOf(sent[0]), 7, kMasterBytes) == sent);
    messages += sent.size();
  });
  CHECK_EQ(messages, 55);
}

TEST("any part of what IPVS's master sent is read without a step beyond its end") {
  const auto recording = goldenJson("sync-master.json");
  if (!recording) SKIP("test/golden is not there");
  eachRound(*recording, [&](const std::vector<Json>& datagrams) {
    for (const Json& datagram : datagrams) {
      const Bytes whole = fromHex(datagram["hex"].text());
      const size_t records = readSync(whole).records.size();
      for (size_t length = 4; length < whole.size(); length++) {
        const Exact cut(firstOf(whole, length));
        storeBe16(&cut[2], static_cast<uint16_t>(length));
        const SyncReading reading = readSync(cut.span());
        CHECK(reading.records.size() < records && reading.refusals.size() == 1);
      }
    }
  });
}

TEST("IPVS's backup and this one take the same records, and refuse the others for the same reason") {
  const auto recording = goldenJson("sync-backup.json");
  if (!recording) SKIP("test/golden is not there");
  size_t taken = 0, refused = 0;
  for (const Json& each : (*recording)["cases"].items()) {
    const std::string& name = each["case"].text();
    const Json& how = each["how"];
    // It does not know the engine of that name, and did not get the datagram that came by another interface.
    const bool isTaken = name != "pe name of 16 bytes" && !how["eth0"].boolean();
    const uint8_t syncid = how["start"].text() == "--syncid 0" ? 0 : 7;
    Backup backup;
    for (const Json& step : each["steps"].items()) {
      if (step["datagram"].isNull()) continue;
      const Exact message(fromHex(step["datagram"].text()));
      const SyncReading reading = readSync(message.span(), syncid);
      backup.compareEntries(step, reading.records, isTaken);
      if (isTaken) compareEngines(step, reading.records);
      compareLog(step, reading.refusals);
      // One message is in order and says that there is nothing in it.
      CHECK(!reading.records.empty() || !reading.refusals.empty() || name == "count 0 with a record");
      taken += reading.records.size();
      refused += reading.refusals.size();
    }
  }
  CHECK_EQ(taken, 94);
  CHECK_EQ(refused, 28);
}

}  // namespace tunvs::sync_golden_test
