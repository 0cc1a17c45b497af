// The quick way of packets that are rewritten, held against the ways of all others: two engines get the same packets,
// one of them without the candidates that the quick way wants.
#include "director/delivery/flow_path.h"
#include "support/random_packets.h"
#include "support/test_table.h"
#include "support/testing.h"

namespace tunvs::translated_path_test {
namespace {

using namespace testing;

const ServiceKey kWeb{IpAddress::v4(192, 0, 2, 10), 80, kTcpProtocol};
const ServiceKey kNames{IpAddress::v4(192, 0, 2, 10), 53, kUdpProtocol};
const ServiceKey kWeb6{parseIpAddress("2001:db8:80::10").value(), 80, kTcpProtocol};
const ServerKey kMapped{IpAddress::v4(10, 0, 0, 11), 8080}, kPlain{IpAddress::v4(10, 0, 0, 12), 80};
const ServerKey kName{IpAddress::v4(10, 0, 0, 13), 5353}, kServer6{parseIpAddress("2001:db8:1::11").value(), 8080};
constexpr uint32_t kConfiguredMtu = 1500;
constexpr int kTimes = static_cast<int>(20000 / kFewer);

ServerConfig by(ForwardingMethod method) {
  ServerConfig config;
  config.tunnel.method = method;
  return config;
}

// The parts of a director on the way of flows.
class Engine {
 public:
  explicit Engine(bool isQuick) : isQuick_(isQuick), memory_(Entries::regionBytes(ConnTable::kMinCapacity)) {
    ServiceConfig persistent{.scheduler = "rr"};
    persistent.persistence.timeoutSeconds = 100;
    apply(AddService{kWeb, {.scheduler = "rr"}}, AddService{kNames, persistent}, AddService{kWeb6, {.scheduler = "rr"}},
          AddServer{kWeb, kMapped, by(ForwardingMethod::nat)}, AddServer{kWeb, kPlain, by(ForwardingMethod::dr)},
          AddServer{kNames, kName, by(ForwardingMethod::nat)}, AddServer{kWeb6, kServer6, by(ForwardingMethod::nat)});
  }

  template <typename... Operations>
  void apply(Operations... operations) {
    const std::vector<Operation> all = {Operation{operations}...};
    REQUIRE(control_.apply(all).ok());
  }
  void narrow(uint32_t bytes) { server(kWeb, kMapped).pathMtu->setRoute(kConfiguredMtu, bytes); }
  void pass(uint32_t seconds) {
    now_ += ticksFromSeconds(seconds);
    std::vector<Loose> loose;
    for (const Family family : {Family::ipv4, Family::ipv6}) {
      for (uint32_t shard = 0; shard < entries_.table(family).shardCount(); shard++) {
        size_t budget = SIZE_MAX;
        epochs_.enter(0);
        entries_.expire(worker_.stats, family, shard, now_, /*exact=*/true, budget, loose);
      }
    }
    epochs_.advance();
  }

  // Returns all that is to be seen of a packet: what became of it, and the connection afterwards.
  std::string send(const Bytes& bytes) {
    HeldPacket held(bytes);
    Packet packet = held.packet();
    epochs_.enter(0);
    Flow flow{};
    if (!parsePacket(packet, flow.parsed)) std::abort();
    const FlowKey key = flow.parsed.key;
    const ConnTable& conns = entries_.table(key.family);
    flow.hash = conns.hash(key);
    flow.home = conns.prefetchHome(flow.hash);
    if (isQuick_) flow.candidate = ConnTable::candidate(flow.home, flow.hash, key.family);
    out_.reset();
    Pass pass{worker_, control_.table(), now_, out_};
    if (isQuick_) path_.translated().fetchOthers({&flow, 1}, 1);
    // What the quick way takes is counted, so that the test knows that it goes there at all.
    if (isQuick_ && flow.candidate != nullptr && isTranslatedFlow(flow)) translated++;
    const Verdict verdict = path_.handle(pass, flow, packet, 0);
    std::string said = std::string(kVerdictNames[static_cast<size_t>(verdict)]);
    for (size_t i = 0; i < out_.count(); i++) {
      said += " to " + toString(out_[i].nextHop) + " by " + std::to_string(static_cast<int>(out_.way(i))) + ":";
      for (size_t at = 0; at < out_[i].length; at++) said += " " + std::to_string(out_[i].data[at]);
    }
    return said + shown(key);
  }

  // Returns the key of the packets that a flow's server sends; nothing when the flow has no translated connection.
  std::optional<FlowKey> replyKeyOf(const FlowKey& flow) {
    const ConnTable& conns = entries_.table(flow.family);
    const Conn* conn = conns.find(flow, conns.hash(flow));
    if (conn == nullptr || !isTranslated(*conn)) return std::nullopt;
    return conns.keyOf(*conns.named(conn->control.load()));
  }

  // Tells whether the reply entry of a flow's connection knows that the connection has shown something.
  bool isReplyProven(const FlowKey& flow) {
    const ConnTable& conns = entries_.table(flow.family);
    const Conn* conn = conns.find(flow, conns.hash(flow));
    if (conn == nullptr || !isTranslated(*conn)) std::abort();
    return (conns.named(conn->control.load())->flags.load() & kConnProven) != 0;
  }

  std::string countsShown() {
    std::string said;
    for (const auto& service : control_.table()->services()) {
      for (const auto& server : service->owned) {
        const ServerCounters& counters = pool_.counters(0, server->id);
        said += " " + std::to_string(server->state->active) + "+" + std::to_string(server->state->inactive) + " " +
                std::to_string(counters.packets.read()) + " " + std::to_string(counters.bytes.read()) + " " +
                std::to_string(counters.outPackets.read()) + " " + std::to_string(counters.outBytes.read());
      }
    }
    return said + " " + std::to_string(entries_.table(Family::ipv4).liveCount());
  }

  size_t translated = 0;

 private:
  static Settings settings() {
    Settings made;
    made.v4 = SourceRange{IpAddress::v4(10, 0, 0, 1), 32};
    made.v6 = SourceRange{parseIpAddress("2001:db8:1::1").value(), 128};
    made.pathMtu = kConfiguredMtu;
    made.returnsHop = true;
    return made;
  }
  const ServerView& server(const ServiceKey& service, const ServerKey& server) {
    for (const auto& each : control_.table()->services()) {
      if (each->key == service) return *each->owned[each->indexOf(server).value()];
    }
    std::abort();
  }
  static bool isTranslatedFlow(const Flow& flow) {
    return ConnTable::isOf(flow.candidate, flow.parsed.key) && (flow.candidate->server.load() & kTranslated) != 0;
  }
  static std::string shown(const Conn& conn) {
    return "; " + std::to_string(conn.server.load()) + " state " + std::to_string(conn.state.load()) + " flags " +
           std::to_string(conn.flags.load()) + " until " + std::to_string(conn.expires.load()) + " packets " +
           std::to_string(conn.packets.load());
  }
  std::string shown(const FlowKey& key) {
    const ConnTable& conns = entries_.table(key.family);
    const Conn* conn = conns.find(key, conns.hash(key));
    if (conn == nullptr) return "; no entry";
    std::string said = shown(*conn);
    if ((conn->server.load() & kTranslated) != 0) {
      const Conn* other = conns.named(conn->control.load());
      said += shown(*other);
      const uint32_t controller = isReplyEntry(*conn) ? conn->packets.load() : other->packets.load();
      if (controller != 0) said += shown(*conns.named(controller));
    }
    return said;
  }

  bool isQuick_;
  Tick now_ = 1000;
  TableMemory memory_;
  Settings settings_ = settings();
  Epochs epochs_;
  ServerPool pool_{1};
  Control control_{settings_, pool_, epochs_};
  Entries entries_{ConnTable::kMinCapacity, HashSecret::fromSeed(7), now_, memory_.span(), control_, pool_, epochs_};
  Pins pins_{pool_, epochs_};
  Defence defence_;
  FlowPath path_{settings_, entries_, pins_, control_, pool_, defence_};
  WorkerContext worker_;
  OutputVector out_;
};

struct Client {
  IpAddress address;
  uint16_t port;
  const ServiceKey* service;

  FlowKey flow() const {
    return FlowKey::make(address, Be16::from(port), service->address, Be16::from(service->port), service->protocol);
  }
};

// Makes a packet whose checksum may be wrong, and whose length may be too much for a path.
Bytes packetOf(Random& random, const FlowKey& key, uint8_t flags) {
  PacketForm form = randomForm(random);
  form.family = key.family;
  form.protocol = static_cast<IpProtocol>(key.protocol());
  form.piece = Piece::whole;
  Bytes bytes =
      randomPacket(random, {{key.client(), key.clientPort()}, {key.virtualAddress(), key.virtualPort()}}, form);
  HeldPacket held(bytes);
  ParsedPacket parsed;
  if (!parsePacket(held.packet(), parsed)) return {};
  if (form.protocol == IpProtocol::tcp) bytes[parsed.transport + 13] = flags;
  return bytes;
}

// Does something to both that is not a packet.
template <typename Do>
void toBoth(Engine& quick, Engine& slow, Do&& act) {
  act(quick);
  act(slow);
}

TEST("rewritten packets of both sides become the same by the quick way as by that of all others, as do connections") {
  Random random(11);
  Engine quick(true), slow(false);
  std::vector<Client> clients;
  for (uint16_t i = 0; i < 4; i++) {
    clients.push_back({IpAddress::v4(198, 51, 100, 7), static_cast<uint16_t>(4000 + i), &kWeb});
    clients.push_back({IpAddress::v4(198, 51, 100, 8), static_cast<uint16_t>(4000 + i), &kNames});
    clients.push_back({parseIpAddress("2001:db8::7").value(), static_cast<uint16_t>(4000 + i), &kWeb6});
  }
  constexpr uint8_t kFlags[] = {kTcpAck, kTcpAck,           kTcpAck,           kTcpAck,
                                kTcpSyn, kTcpSyn | kTcpAck, kTcpFin | kTcpAck, kTcpRst};
  bool isNat = false, isUp = true;
  for (int step = 0; step < kTimes; step++) {
    const Client& client = clients[random.below(static_cast<uint32_t>(clients.size()))];
    FlowKey key = client.flow();
    if (const auto reply = quick.replyKeyOf(key); reply && random.oneIn(2)) key = *reply;
    const Bytes bytes = packetOf(random, key, kFlags[random.below(std::size(kFlags))]);
    if (bytes.empty()) continue;
    if (!CHECK_EQ(quick.send(bytes), slow.send(bytes))) return;
    if (!CHECK_EQ(quick.countsShown(), slow.countsShown())) return;
    switch (random.below(200)) {
      case 0: toBoth(quick, slow, [seconds = 1 + random.below(200)](Engine& e) { e.pass(seconds); }); break;
      case 1: toBoth(quick, slow, [bytes = random.oneIn(2) ? 0 : 1400](Engine& e) { e.narrow(bytes); }); break;
      case 2:
        isNat = !isNat;
        toBoth(quick, slow, [=](Engine& e) {
          e.apply(EditServer{kWeb, kPlain, by(isNat ? ForwardingMethod::nat : ForwardingMethod::dr)});
        });
        break;
      case 3:
        isUp = !isUp;
        toBoth(quick, slow, [=](Engine& e) {
          HealthCondition health;
          health.isUp = isUp;
          e.apply(EditServer{kNames, kName, by(ForwardingMethod::nat), {.health = health}});
        });
        break;
      default: break;
    }
  }
  CHECK(quick.translated > size_t{kTimes} / 4);
}

TEST("a reply entry is proven with its connection's third packet") {
  for (const bool isQuick : {false, true}) {
    Engine engine(isQuick);
    const Client client{parseIpAddress("2001:db8::7").value(), 4000, &kWeb6};
    Random random(12);
    for (int packets = 1; packets <= 3; packets++) {
      engine.send(packetOf(random, client.flow(), packets == 1 ? kTcpSyn : kTcpAck));
      CHECK_EQ(engine.isReplyProven(client.flow()), packets == 3);
    }
  }
}

}  // namespace
}  // namespace tunvs::translated_path_test
