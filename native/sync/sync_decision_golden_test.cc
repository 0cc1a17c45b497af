// Gives the packets of the recorded runs to the decision, and compares who is told at which of them, in which order and
// state, with the records that a real IPVS sent.
#include <map>

#include "director/protocol/protocol_state.h"
#include "support/json.h"
#include "support/sync_messages.h"
#include "support/testing.h"
#include "sync/sync_decision.h"

namespace tunvs::sync_decision_golden_test {
namespace {

using namespace testing;

constexpr Tick kRound = ticksFromMs(3450);  // a round's 3.4 s of listening, and its packets

// Tells whether a flow of the recording has this word in its name.
bool isCalled(const std::string& flow, std::string_view word) { return flow.find(word) != std::string::npos; }

struct Entry {
  SyncEntry entry;
  SyncMemory memory;
  std::string client;  // address and port
};

struct Flow {
  std::string name;
  Entry connection;
  std::optional<Entry> persistence;
  bool isMasqueraded = false;
  bool isIpv6 = false;
  bool isForwarded = false;  // so was its last packet

  Flow(const std::string& name, const Bytes& packet)
      : name(name), isMasqueraded(isCalled(name, "masq")), isIpv6(packet[0] >> 4 == 6) {
    const IpAddress client = isIpv6 ? IpAddress::v6(&packet[8]) : addressAt(packet, 12);
    const size_t transport = isIpv6 ? 40 : 20;
    connection.client = toString(client) + " " + std::to_string(loadBe16(&packet[transport]));
    connection.entry.protocol = packet[isIpv6 ? 6 : 9];
    connection.entry.isOnePacket = isCalled(name, "one-packet");
    if (!isCalled(name, "persistent")) return;
    connection.entry.isPersistent = true;
    persistence.emplace();
    persistence->client = toString(client) + " 0";
    persistence->entry.isTemplate = true;
    const uint32_t seconds = isCalled(name, "port 0") ? 200 : isCalled(name, "fwmark") ? 250 : 300;
    persistence->entry.timeout = ticksFromSeconds(seconds);
  }
};

uint8_t eventOf(uint8_t protocol, const std::string& what) {
  if (protocol == kSctpProtocol) {
    if (what == "INIT") return static_cast<uint8_t>(SctpEvent::init);
    if (what == "COOKIE_ECHO") return static_cast<uint8_t>(SctpEvent::cookieEcho);
    if (what == "SHUTDOWN") return static_cast<uint8_t>(SctpEvent::shutdown);
    if (what == "SHUTDOWN_COMPLETE") return static_cast<uint8_t>(SctpEvent::shutdownComplete);
    if (what == "DATA") return static_cast<uint8_t>(SctpEvent::data);
    std::abort();
  }
  const auto has = [&](char letter, uint8_t flag) { return what.find(letter) == std::string::npos ? 0 : flag; };
  const int flags = has('F', 1) | has('S', 2) | has('R', 4) | has('P', 8) | has('A', 16);
  return static_cast<uint8_t>(tcpEventOf(static_cast<uint8_t>(flags)));
}

// Says what a record says, as far as it is the decision's.
std::string told(const Entry& one, bool hasTimeout) {
  std::string text = one.client + (one.entry.isTemplate ? " template " : " ") + std::to_string(one.entry.state);
  if (hasTimeout) text += " for " + std::to_string(one.entry.timeout / kTicksPerSecond);
  return text;
}
std::string told(const Json& record, bool hasTimeout) {
  const bool isTemplate = (std::stoul(record["flags"].text(), nullptr, 16) & kSyncTemplate) != 0;
  std::string text = record["client"].text() + " " + std::to_string(record["cport"].integer()) +
                     (isTemplate ? " template " : " ") + std::to_string(record["state"].integer());
  if (hasTimeout) text += " for " + std::to_string(record["timeout"].integer());
  return text;
}

// A Master tells as the decision says.
class Master {
 public:
  explicit Master(const Json& sysctl) {
    if (const std::string& pair = sysctl["sync_threshold"].text(); !pair.empty()) {
      if (std::sscanf(pair.c_str(), "\"%u %u\"", &settings_.threshold, &settings_.period) != 2) std::abort();
    }
    settings_.refresh = ticksFromSeconds(static_cast<uint32_t>(sysctl["sync_refresh_period"].integer()));
    settings_.retries = static_cast<uint8_t>(sysctl["sync_retries"].integer());
    if (!sysctl["sync_version"].isNull()) version = SyncVersion::v0;
  }

  void packet(Flow& flow, const std::string& what) {
    Entry& connection = flow.connection;
    SyncEntry& entry = connection.entry;
    Side side = Side::clientOnly;
    std::string flags = what;
    if (flow.isMasqueraded) {
      side = what[0] == 'c' ? Side::client : Side::server;
      flags = what.substr(1);
    }
    const uint8_t protocol = entry.protocol;
    const uint8_t event = protocol == kUdpProtocol ? 0 : eventOf(protocol, flags);
    entry.state = side == Side::clientOnly ? nextState(protocol, entry.state, event, false)
                                           : nextState(protocol, entry.state, event, false, side);
    entry.timeout = ticksFromSeconds(protocol == kTcpProtocol    ? kTcpDefaultTimeouts[entry.state]
                                     : protocol == kSctpProtocol ? kSctpDefaultTimeouts[entry.state]
                                                                 : 300);
    if (flow.persistence && assuresTemplate(protocol, entry.state, side)) flow.persistence->entry.state = 1;
    if (side == Side::server) return;
    const bool wasTold = ask(connection, flow);
    if (flow.persistence && isControllerAsked(version, wasTold)) ask(*flow.persistence, flow);
  }

  SyncVersion version = SyncVersion::v1;
  Tick now = 0;
  bool isStopped = false;
  std::vector<std::string> records;

 private:
  bool ask(Entry& one, const Flow& flow) {
    one.entry.packets++;
    if (isStopped || (version == SyncVersion::v0 && flow.isIpv6)) return false;
    const auto memory = decideSync(settings_, one.entry, one.memory, now);
    if (!memory) return false;
    one.memory = *memory;
    records.push_back(told(one, version == SyncVersion::v1));
    return true;
  }

  SyncSettings settings_;
};

// Which packet of a flow is what. Rounds of many packets do not say so: theirs are those of other runs, or alternate
// like those before.
using Script = std::map<std::string, std::map<int64_t, std::string>>;

Script scriptOf(const Json& recording) {
  Script script;
  for (const Json& run : recording["runs"].items()) {
    for (const Json& round : run["rounds"].items()) {
      for (const Json& packet : round["packets"].items()) {
        if (packet["what"].isNull()) continue;
        script[packet["flow"].text()][packet["packet"].integer()] = packet["what"].text();
      }
    }
  }
  for (auto& [name, packets] : script) {
    for (int64_t number = 1; number <= packets.rbegin()->first; number++) {
      if (!packets.contains(number)) packets[number] = packets.at(number - 2);
    }
  }
  return script;
}

// Gives a round's packets to the master. A packet that was not forwarded belongs to no entry, or to one whose server is
// gone, and is not counted.
void send(const Json& round, const Script& script, std::vector<Flow>& flows, Master& master) {
  const std::vector<Json>& packets = round["packets"].items();
  for (const Json& packet : packets) {
    if (packet["what"].isNull()) continue;
    const std::string& name = packet["flow"].text();
    auto flow = std::ranges::find(flows, name, &Flow::name);
    if (flow == flows.end()) flow = flows.insert(flow, Flow(name, fromHex(packet["in"].text())));
    const std::string& to = packet["to"].text();
    flow->isForwarded = !to.empty() && (flow->isMasqueraded || !flow->connection.client.starts_with(to + " "));
    if (flow->isForwarded) master.packet(*flow, packet["what"].text());
  }
  if (packets.empty() || !packets[0]["what"].isNull()) return;
  const std::vector<Json>& span = packets[0]["packets"].items();
  for (int64_t number = span[0].integer(); number <= span[1].integer(); number++) {
    for (Flow& flow : flows) {
      if (flow.isForwarded) master.packet(flow, script.at(flow.name).at(number));
    }
  }
}

}  // namespace

TEST("who is told at which packet is who IPVS told, in the same order, state and for the same time") {
  const auto recording = goldenJson("sync-master.json");
  if (!recording) SKIP("test/golden is not there");
  const Script script = scriptOf(*recording);
  size_t rounds = 0, records = 0;
  for (const Json& run : (*recording)["runs"].items()) {
    Master master(run["sysctl"]);
    std::vector<Flow> flows;
    for (const Json& round : run["rounds"].items()) {
      if (isCalled(round["event"].text(), "--stop-daemon")) master.isStopped = true;
      if (round["packets"].items().empty()) continue;
      master.records.clear();
      send(round, script, flows, master);
      master.now += kRound;
      std::vector<std::string> sent;
      for (const Json& datagram : round["datagrams"].items()) {
        for (const Json& record : datagram["message"]["record"].items()) {
          sent.push_back(told(record, master.version == SyncVersion::v1));
        }
      }
      if (!CHECK_EQ(master.records, sent)) {
        std::printf("      in '%s', a round with packet %s\n", run["run"].text().c_str(),
                    std::to_string(round["packets"].items()[0]["packet"].integer()).c_str());
      }
      rounds++;
      records += sent.size();
    }
  }
  CHECK_EQ(rounds, 55);
  CHECK_EQ(records, 603);
}

}  // namespace tunvs::sync_decision_golden_test
