// Gives the packets of the recorded runs to a director that is a master, and compares the messages that it sends with
// those of a real IPVS, byte for byte.
#include <map>

#include "support/ipvsadm_rules.h"
#include "support/json.h"
#include "support/sync_messages.h"
#include "support/testing.h"
#include "sync/sync_sender.h"

namespace tunvs::sync_master_golden_test {
namespace {

using namespace testing;

constexpr Tick kRound = ticksFromMs(3450);  // a round's 3.4 s of listening, and its packets

// A Master is a director with what takes its notes.
class Master {
 public:
  Master(const Json& recording, const Json& run)
      : t(options()), sender({.syncid = 7}, [this](size_t, std::span<const uint8_t> message, size_t) {
          sent.push_back(bytesOf(message));
        }) {
    for (const Json& command : recording["setup"].items()) obeyIpvsadm(t, command.text());
    const AddressPrefix marked{IpAddress::v4(192, 168, 60, 0), 24};
    CHECK(t.apply(SetMarks{{{.mark = 1, .destination = marked}}}).ok());
    for (size_t i = 0; i < run["sysctl"].items().size(); i++) setSysctl(run["sysctl"], run["sysctl"].keys()[i]);
    t.director.beginTelling();
  }

  void packet(const Json& packet) {
    const Bytes bytes = fromHex(packet["in"].text());
    t.send(bytes);
    take();
  }
  void endRound() {
    t.pass(double{kRound} / kTicksPerSecond);
    take();
    sender.flush(nowMs());
  }
  void event(const std::string& command) {
    uint32_t pause = 0;
    if (std::sscanf(command.c_str(), "sleep %u", &pause) == 1) return t.pass(pause);
    obeyIpvsadm(t, command);
    if (command.find("--stop-daemon") != std::string::npos) isStopped = true;
  }

  static DirectorOptions options() {
    DirectorOptions options = TestDirector::defaultOptions();
    options.settings.v6 = SourceRange{address("2001:db8:1::1"), 128};
    return options;
  }
  TestDirector t;
  std::vector<Bytes> sent;
  SyncSender sender;
  bool isStopped = false;

 private:
  uint64_t nowMs() const { return uint64_t{t.now} * (1000 / kTicksPerSecond); }
  void setSysctl(const Json& sysctls, const std::string& name) {
    if (name != "sync_threshold") return t.setSysctl(name, sysctls[name].integer());
    int threshold = 0, period = 0;
    if (std::sscanf(sysctls[name].text().c_str(), "\"%d %d\"", &threshold, &period) != 2) std::abort();
    t.setSysctl("sync_threshold", threshold);
    t.setSysctl("sync_period", period);
  }
  void take() {
    t.director.takeSyncNotes(SIZE_MAX, [&](const SyncRecord& record, SyncVersion version) {
      if (!isStopped) CHECK(sender.add(record, version, nowMs()));
    });
  }
};

// Returns, of each flow, its packets by their numbers. Rounds of many packets do not show theirs: these are those of
// other runs, or alternate like those before.
using Packets = std::map<std::string, std::map<int64_t, const Json*>>;
Packets packetsOf(const Json& recording) {
  Packets packets;
  for (const Json& run : recording["runs"].items()) {
    for (const Json& round : run["rounds"].items()) {
      for (const Json& packet : round["packets"].items()) {
        if (!packet["what"].isNull()) packets[packet["flow"].text()][packet["packet"].integer()] = &packet;
      }
    }
  }
  for (auto& [name, numbered] : packets) {
    for (int64_t number = 1; number <= numbered.rbegin()->first; number++) {
      if (!numbered.contains(number)) numbered[number] = numbered.at(number - 2);
    }
  }
  return packets;
}

// Says what is in messages, for whoever looks for a difference.
std::string described(const std::vector<Bytes>& messages) {
  std::string text;
  for (const Bytes& message : messages) {
    text += "[" + std::to_string(message.size()) + "]";
    for (const SyncRecord& record : readSync(message).records) {
      char flags[16];
      std::snprintf(flags, sizeof flags, "%x", record.flags);
      text += " " + toString(record.client) + ":" + std::to_string(record.clientPort) + ">" + toString(record.server) +
              ":" + std::to_string(record.serverPort) + "/" + std::to_string(record.state) + "/" + flags + "/" +
              std::to_string(record.timeoutSeconds) + "/" + std::to_string(record.mark);
    }
  }
  return text;
}

}  // namespace

TEST("a master's messages are those of a real IPVS, byte for byte") {
  const auto recording = goldenJson("sync-master.json");
  if (!recording) SKIP("test/golden is not there");
  const Packets packets = packetsOf(*recording);
  size_t rounds = 0, messages = 0;
  for (const Json& run : (*recording)["runs"].items()) {
    Master master(*recording, run);
    for (const Json& round : run["rounds"].items()) {
      master.sent.clear();
      if (!round["event"].isNull()) master.event(round["event"].text());
      const std::vector<Json>& sent = round["packets"].items();
      if (!sent.empty() && sent[0]["what"].isNull()) {
        const std::vector<Json>& span = sent[0]["packets"].items();
        for (int64_t number = span[0].integer(); number <= span[1].integer(); number++) {
          for (const Json& flow : sent) master.packet(*packets.at(flow["flow"].text()).at(number));
        }
      } else {
        for (const Json& packet : sent) master.packet(packet);
      }
      if (!sent.empty()) master.endRound();
      std::vector<Bytes> recorded;
      for (const Json& datagram : round["datagrams"].items()) recorded.push_back(fromHex(datagram["hex"].text()));
      if (!CHECK(master.sent == recorded)) {
        std::printf("      in '%s', round %zu\n   sent %s\n   recorded %s\n", run["run"].text().c_str(), rounds,
                    described(master.sent).c_str(), described(recorded).c_str());
        return;
      }
      rounds += sent.empty() ? 0 : 1;
      messages += recorded.size();
    }
  }
  CHECK_EQ(rounds, 55);
  CHECK_EQ(messages, 55);
}

}  // namespace tunvs::sync_master_golden_test
