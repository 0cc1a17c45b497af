// Gives a real backup's recorded datagrams and packets to a director that is a backup, and compares its entries and its
// servers' counts behind each. Where it differs, a name says so: docs/differences.md has the reasons.
#include <map>
#include <set>

#include "support/ipvsadm_rules.h"
#include "support/json.h"
#include "support/sync_messages.h"
#include "support/testing.h"

namespace tunvs::sync_backup_golden_test {
namespace {

using namespace testing;

// What of the recorded backup's behaviour is not this one's, by case.
enum class Difference : uint8_t { none, waitsAside, refusesServer, keepsLocal, isElsewhere };
const std::map<std::string, Difference> kDifferences = {
    {"one record, no service", Difference::waitsAside},
    {"server 0.0.0.0", Difference::refusesServer},
    {"own connection, record says CLOSE", Difference::keepsLocal},
    // It does not know the engine of that name.
    {"pe name of 16 bytes", Difference::isElsewhere},
    // The datagram came by another interface.
    {"on eth0 instead of eth1", Difference::isElsewhere},
};

std::string placeOf(const std::string& address, int64_t port) {
  return (address.find(':') != std::string::npos ? "[" + address + "]:" : address + ":") + std::to_string(port);
}

// An entry as `ipvsadm -Lnc` lists it, without its time.
struct Listed {
  std::string text;
  int64_t seconds = 0;
};

// Reads "TCP 14:59  ESTABLISHED 192.0.2.1:40000    198.51.100.10:80   10.0.0.2:80".
Listed listed(const std::string& line) {
  std::vector<std::string> words;
  for (size_t at = 0; (at = line.find_first_not_of(' ', at)) != std::string::npos;) {
    const size_t end = std::min(line.find(' ', at), line.size());
    words.push_back(line.substr(at, end - at));
    at = end;
  }
  if (words.size() < 6) std::abort();
  const size_t colon = words[1].find(':');
  const int64_t seconds = std::stoll(words[1].substr(0, colon)) * 60 + std::stoll(words[1].substr(colon + 1));
  return {words[0] + " " + words[2] + " " + words[3] + " " + words[4] + " " + words[5], seconds};
}

Listed listed(const ConnectionRow& row) {
  const uint8_t protocol = row.key.protocol();
  const char* const name = protocol == 6 ? "TCP" : protocol == 17 ? "UDP" : protocol == 132 ? "SCTP" : "IP";
  return {std::string(name) + " " + std::string(row.state) + " " +
              placeOf(toString(row.key.client()), row.key.clientPort().host()) + " " +
              placeOf(toString(row.key.virtualAddress()), row.key.virtualPort().host()) + " " +
              placeOf(toString(row.server.address), row.server.port),
          row.expiresMs / 1000};
}

class Backup {
 public:
  Backup(const Json& recording, uint8_t syncid) : t(options()), syncid_(syncid) {
    for (const Json& command : recording["setup"].items()) obeyIpvsadm(t, command.text());
    t.director.beginListening();
  }

  void step(const Json& step) {
    if (!step["datagram"].isNull()) receive(fromHex(step["datagram"].text()));
    if (!step["client_packet"].isNull()) sent = t.send(fromHex(step["in"].text()));
    uint32_t pause = 0;
    const std::string& event = step["event"].text();
    if (std::sscanf(event.c_str(), "sleep %u", &pause) == 1) {
      t.pass(pause);
    } else if (!event.empty()) {
      obeyIpvsadm(t, event);
    }
    // Servers that records name are awaited by the control thread's next turn, and then the records are tried again.
    t.pass(0.5);
    t.pass(0.6);
    t.director.takeSyncRecords(t.now, [](auto&&) {});
  }

  // Returns what there is, by its line without the time.
  std::map<std::string, int64_t> entries() {
    std::map<std::string, int64_t> all;
    for (const ConnectionRow& row : t.connections()) {
      const Listed entry = listed(row);
      all[entry.text] = entry.seconds;
    }
    return all;
  }
  // Returns the servers that have connections: service, server, active, inactive.
  std::set<std::string> counted() const {
    std::set<std::string> all;
    for (const ServiceRow& service : t.rows()) {
      if (service.key.isMark()) continue;
      const uint8_t protocol = service.key.protocol;
      for (const ServerRow& server : service.servers) {
        if (server.active + server.inactive == 0) continue;
        all.insert(std::string(protocol == 6    ? "TCP "
                               : protocol == 17 ? "UDP "
                                                : "SCTP ") +
                   placeOf(toString(service.key.address), service.key.port) + " " +
                   placeOf(toString(server.key.address), server.key.port) + " " + std::to_string(server.active) + " " +
                   std::to_string(server.inactive));
      }
    }
    return all;
  }

  static DirectorOptions options() {
    DirectorOptions options = TestDirector::defaultOptions();
    options.settings.v6 = SourceRange{address("2001:db8:a::1"), 128};
    return options;
  }
  TestDirector t;
  std::string sent;  // what became of the last packet
  std::map<SyncOutcome, size_t> outcomes;

 private:
  void receive(const Bytes& datagram) {
    t.director.takeSyncRecords(t.now, [&](auto&& take) {
      readSyncMessage(
          datagram, syncid_, [&](const SyncRecord& record) { outcomes[take(record)]++; }, [](SyncRefusal) {});
    });
  }
  uint8_t syncid_;
};

std::map<std::string, int64_t> recordedEntries(const Json& step) {
  std::map<std::string, int64_t> all;
  for (const Json& line : step["ipvsadm_Lnc"].items()) {
    const Listed entry = listed(line.text());
    all[entry.text] = entry.seconds;
  }
  return all;
}

std::set<std::string> recordedCounts(const Json& step) {
  std::set<std::string> all;
  for (const Json& each : step["counted"].items()) {
    const std::vector<Json>& row = each.items();
    all.insert(row[0].text() + " " + row[1].text() + " " + std::to_string(row[3].integer()) + " " +
               std::to_string(row[4].integer()));
  }
  return all;
}

template <typename Texts>
std::string joined(const Texts& texts) {
  std::string all;
  for (const auto& text : texts) all += text + "; ";
  return all;
}
std::string names(const std::map<std::string, int64_t>& entries) {
  std::string all;
  for (const auto& [text, seconds] : entries) all += text + "; ";
  return all;
}

// Says in a word what became of a client's packet.
std::string fateOf(const Json& step) {
  if (step["out"].items().empty()) return "dropped";
  const Json& out = step["desc"].items()[0];
  const bool isAnswer = out["src"].text() == "198.51.100.10";
  return isAnswer ? "answered" : "forwarded";
}
std::string fateOf(const std::string& verdict) {
  if (verdict[0] >= '0' && verdict[0] <= '9') return "forwarded";
  return verdict == "dropNotScheduled" ? "answered" : "dropped";  // the host answers it
}

}  // namespace

TEST("a backup's entries, counts and packets are those of a real IPVS, but where a difference has a name") {
  const auto recording = goldenJson("sync-backup.json");
  if (!recording) SKIP("test/golden is not there");
  size_t steps = 0, differing = 0;
  for (const Json& each : (*recording)["cases"].items()) {
    const std::string& name = each["case"].text();
    const auto found = kDifferences.find(name);
    const Difference difference = found == kDifferences.end() ? Difference::none : found->second;
    if (difference == Difference::isElsewhere) continue;
    Backup backup(*recording, each["how"]["start"].text() == "--syncid 0" ? 0 : 7);
    const std::string at = name + ": ";
    for (const Json& step : each["steps"].items()) {
      backup.step(step);
      steps++;
      if (difference == Difference::none) {
        auto entries = backup.entries();
        const auto recorded = recordedEntries(step);
        // `ipvsadm -Lnc` leaves out an entry with a long name of its engine's.
        if (name == "pe data of 255 bytes") {
          CHECK_EQ(entries.size(), 1);
          continue;
        }
        CHECK_EQ(at + names(entries), at + names(recorded));
        for (const auto& [text, seconds] : recorded) {
          // It cuts times off at 49 days, and this one at 31; both were looked at a moment later.
          const int64_t most = std::min<int64_t>(seconds, kMaxTimeoutSeconds);
          if (entries.contains(text)) CHECK(entries[text] <= most && entries[text] >= most - 3);
        }
        CHECK_EQ(at + joined(backup.counted()), at + joined(recordedCounts(step)));
        if (!step["client_packet"].isNull()) CHECK_EQ(at + fateOf(backup.sent), at + fateOf(step));
        continue;
      }
      differing++;
      if (difference == Difference::waitsAside) {
        CHECK_EQ(backup.t.director.syncRecordsWaiting(), 1);
        CHECK(backup.entries().empty() && backup.counted().empty());
      }
      if (difference == Difference::refusesServer) {
        CHECK_EQ(backup.outcomes[SyncOutcome::badServer], 1);
        CHECK(backup.entries().empty());
      }
      if (difference == Difference::keepsLocal && !step["datagram"].isNull()) {
        CHECK_EQ(backup.outcomes[SyncOutcome::keptLocal], 1);
        CHECK(names(backup.entries()).find("ESTABLISHED") != std::string::npos);
      }
    }
  }
  CHECK_EQ(steps, 96);
  CHECK_EQ(differing, 8);
}

}  // namespace tunvs::sync_backup_golden_test
