#include "support/director_program.h"

#include <algorithm>
#include <map>
#include <set>

#include "packet/icmp.h"
#include "support/collected_output.h"
#include "support/test_director.h"

namespace tunvs::testing {
namespace {

constexpr size_t kWorkers = 2;
constexpr size_t kServices = 3;
constexpr uint8_t kServers = 6;  // per service, 10.0.0.1 + n
const ServiceKey kServiceKeys[kServices] = {
    TestDirector::kWeb, TestDirector::kNames, {IpAddress::v4(192, 0, 2, 11), 80, 6}};
constexpr uint8_t kFlags[] = {kTcpSyn, kTcpAck, kTcpFin, kTcpRst, kTcpFin | kTcpAck, kTcpSyn | kTcpAck, 0, 0xff};

class Reader {
 public:
  explicit Reader(std::span<const uint8_t> bytes) : bytes_(bytes) {}
  bool isAtEnd() const { return at_ >= bytes_.size(); }
  uint8_t byte() { return at_ < bytes_.size() ? bytes_[at_++] : 0; }
  uint16_t word() { return static_cast<uint16_t>(byte() << 8 | byte()); }
  Bytes bytes(size_t count) {
    count = std::min(count, bytes_.size() - std::min(at_, bytes_.size()));
    const auto begin = bytes_.begin() + static_cast<ptrdiff_t>(at_);
    at_ += count;
    return {begin, begin + static_cast<ptrdiff_t>(count)};
  }

 private:
  std::span<const uint8_t> bytes_;
  size_t at_ = 0;
};

DirectorOptions options() {
  DirectorOptions made = TestDirector::defaultOptions();
  made.workers = kWorkers;
  return made;
}

class Run {
 public:
  explicit Run(std::span<const uint8_t> program) : reader_(program), t_(options()) {}

  std::string run() {
    for (size_t step = 0; !reader_.isAtEnd() && broken_.empty() && step < kMaxSteps; step++) {
      doOperation();
      if (step % 64 == 63) checkCounts();
    }
    if (broken_.empty()) checkCounts();
    if (broken_.empty()) finish();
    return broken_;
  }

 private:
  static constexpr size_t kMaxSteps = 4096;

  void require(bool holds, const char* law) {
    if (!holds && broken_.empty()) broken_ = law;
  }

  void doOperation() {
    const uint8_t code = reader_.byte();
    switch (code % 16) {
      case 0:
      case 1:
      case 2:
      case 3: return sendFlow();
      case 4: return sendMutated();
      case 5: return sendRaw();
      case 6: return sendMany();
      case 7: return pass(reader_.byte());
      case 8: return pass(reader_.word() * uint32_t{16});
      case 9: return expire();
      case 10:
      case 11:
      case 12: return apply();
      case 13: return tune();
      case 14: return code < 0x60 ? t_.director.collect(t_.now) : code < 0xb0 ? sendFragments() : sendAnswered();
      default: return code < 0x40 ? flush() : code < 0x80 ? defend() : endConnections();
    }
  }

  // ---- packets ----

  // arguments: service and worker, client (2), flags
  Bytes flowPacket(uint8_t service, uint16_t client, uint8_t flags) {
    const ServiceKey& key = kServiceKeys[service % kServices];
    const auto port = static_cast<uint16_t>(1024 + client % 3000);
    PacketBuilder packet;
    packet.ip(IpAddress::v4(198, 51, 100, static_cast<uint8_t>(1 + client / 3000)), key.address);
    if (key.protocol == 6) {
      packet.tcp(port, key.port, kFlags[flags % std::size(kFlags)]);
    } else {
      packet.udp(port, key.port);
    }
    if ((flags & 0x40) != 0) packet.dontFragment();
    if ((flags & 0x80) != 0) packet.options({148, 4, 0, 0});
    return packet.payload(flags % 7).build();
  }

  void sendFlow() {
    const uint8_t target = reader_.byte();
    const uint16_t client = reader_.word();
    enqueue(target, flowPacket(target & 0x7f, client, reader_.byte()));
  }
  void sendMutated() {
    const uint8_t target = reader_.byte();
    const uint16_t client = reader_.word();
    Bytes packet = flowPacket(target & 0x7f, client, reader_.byte());
    packet[reader_.byte() % packet.size()] = reader_.byte();
    if (const size_t cut = reader_.byte(); cut < packet.size() && cut > 0) packet.resize(cut);
    enqueue(target, std::move(packet));
  }
  void sendRaw() {
    const uint8_t target = reader_.byte();
    enqueue(target, reader_.bytes(reader_.byte()));
  }
  // A UDP datagram in pieces of 8 bytes, the first one not first: those before it leave together with it, and enough of
  // them fill the outputs of a vector.
  // arguments: as flowPacket(), pieces
  void sendFragments() {
    const uint8_t target = reader_.byte();
    const uint16_t client = reader_.word();
    const uint8_t number = reader_.byte();
    const size_t pieces = 2 + reader_.byte() / 2;
    for (size_t i = 1; i <= pieces && broken_.empty(); i++) {
      const size_t at = (i + number % pieces) % pieces;
      PacketBuilder piece;
      piece.ip(IpAddress::v4(198, 51, 100, static_cast<uint8_t>(1 + client % 200)), TestDirector::kNames.address);
      piece.identification(number).fragmentOffset(static_cast<uint16_t>(8 * at));
      if (at + 1 < pieces) piece.moreFragments();
      enqueue(target, at == 0 ? piece.udp(static_cast<uint16_t>(1024 + client), 53).build()
                              : piece.protocol(IpProtocol::udp).payload(8).build());
    }
  }
  // A ping, or a packet to a port that nobody serves.
  void sendAnswered() {
    const uint8_t target = reader_.byte();
    const uint16_t client = reader_.word();
    PacketBuilder packet;
    packet.ip(IpAddress::v4(198, 51, 100, static_cast<uint8_t>(1 + client % 200)), TestDirector::kWeb.address);
    const size_t bytes = reader_.byte();
    if (bytes % 3 == 0) return enqueue(target, packet.tcp(client, 81, kTcpSyn).build());
    if (bytes % 3 == 1) return enqueue(target, packet.udp(client, 81).payload(bytes).build());
    Bytes message(8 + bytes, static_cast<uint8_t>(client));
    message[0] = icmp4::kEchoRequest;
    message[1] = message[2] = message[3] = 0;
    const Be16 check = checksum(message.data(), message.size());
    std::memcpy(&message[2], &check.raw, 2);
    enqueue(target, packet.protocol(IpProtocol::icmp).payload(message).build());
  }
  // A run of clients, enough of which fill the table.
  void sendMany() {
    const uint8_t target = reader_.byte();
    const uint16_t client = reader_.word();
    const uint8_t flags = reader_.byte();
    const uint8_t last = reader_.byte();
    for (uint32_t i = 0; i <= last && broken_.empty(); i++) {
      enqueue(target, flowPacket(target & 0x7f, static_cast<uint16_t>(client + i), flags));
    }
  }

  // Packets wait for their vector: it is sent when full and before anything else happens.
  void enqueue(uint8_t target, Bytes packet) {
    const size_t worker = target >> 7;
    if (worker != waitingFor_ || waiting_.size() == kVectorSize) flush();
    waitingFor_ = worker;
    waiting_.push_back(std::move(packet));
  }

  void flush() {
    if (waiting_.empty()) return;
    std::vector<HeldPacket> held;
    std::vector<Packet> packets;
    for (const auto& bytes : waiting_) held.emplace_back(bytes);
    for (auto& packet : held) packets.push_back(packet.packet());
    Verdict verdicts[kVectorSize];
    t_.director.process(waitingFor_, packets, t_.now, output_.out, verdicts);
    checkOutputs(packets, verdicts, output_.take());
    waiting_.clear();
  }

  void checkOutputs(const std::vector<Packet>& packets, const Verdict* verdicts, const std::vector<SentPacket>& sent) {
    size_t output = 0;
    for (size_t i = 0; i < packets.size() && broken_.empty(); i++) {
      require(verdicts[i] < Verdict::kCount, "law 1: a verdict that there is not");
      const size_t first = output;
      while (output < sent.size() && sent[output].cause == i) output++;
      const size_t outputs = output - first;
      if (verdicts[i] != Verdict::forwarded) {
        require(outputs <= 1, "law 1: more than one answer to a packet");
        if (outputs == 1 && broken_.empty()) checkAnswer(waiting_[i], sent[first]);
        continue;
      }
      ParsedPacket parsed;
      if (!parsePacket({const_cast<uint8_t*>(waiting_[i].data()), static_cast<uint32_t>(waiting_[i].size())}, parsed)) {
        require(outputs >= 1, "law 1: a forwarded fragment did not leave");
        for (size_t at = first; at < output && broken_.empty(); at++) checkPiece(waiting_[i], sent[at]);
        continue;
      }
      require(outputs == 1, "law 1: outputs and forwarded packets differ");
      if (!broken_.empty()) return;
      checkOutput(waiting_[i], sent[first]);
    }
    require(output == sent.size(), "law 1: outputs that no packet caused, or out of order");
    received_ += packets.size();
  }

  // What leaves is what was made for this packet, whatever came before and behind it in the vector.
  void checkAnswer(const Bytes& asked, const SentPacket& sent) {
    const Bytes& b = sent.bytes;
    const bool isWhole = b.size() >= 20 && b[0] == 0x45 && loadBe16(&b[2]) == b.size() && naiveSum(&b[0], 20) == 0xffff;
    require(isWhole, "law 4: an answer's header is wrong");
    if (!broken_.empty()) return;
    require(std::memcmp(&b[12], &asked[16], 4) == 0 && std::memcmp(&b[16], &asked[12], 4) == 0 &&
                std::memcmp(&b[16], sent.nextHop.bytes.data(), 4) == 0,
            "law 4: an answer goes to another client");
    if (b[9] == 1) require(naiveSum(&b[20], b.size() - 20) == 0xffff, "law 4: an answer's checksum is wrong");
  }
  // Fragments that waited leave with their first one.
  void checkPiece(const Bytes& first, const SentPacket& sent) {
    const Bytes& b = sent.bytes;
    const bool isWhole = b.size() >= 40 && b[0] == 0x45 && loadBe16(&b[2]) == b.size() && naiveSum(&b[0], 20) == 0xffff;
    require(isWhole && b[9] == 4 && naiveSum(&b[20], (b[20] & 15) * 4) == 0xffff, "law 4: a fragment is not whole");
    if (!broken_.empty()) return;
    require(std::memcmp(&b[32], &first[12], 8) == 0 && std::memcmp(&b[24], &first[4], 2) == 0 &&
                std::memcmp(&b[16], sent.nextHop.bytes.data(), 4) == 0,
            "law 4: a fragment of another datagram");
  }

  void checkOutput(const Bytes& inner, const SentPacket& sent) {
    const uint8_t* p = sent.bytes.data();
    const size_t innerBytes = loadBe16(&inner[2]);
    require(sent.bytes.size() == innerBytes + 20 && loadBe16(p + 2) == sent.bytes.size(),
            "law 4: the outer length is wrong");
    require(p[0] == 0x45 && p[9] == 4 && naiveSum(p, 20) == 0xffff, "law 4: the outer header is wrong");
    require(std::memcmp(p + 20, inner.data(), innerBytes) == 0, "law 4: the inner packet was changed");
    require(std::memcmp(p + 16, sent.nextHop.bytes.data(), 4) == 0, "law 4: the next hop is not the outer destination");

    Packet parsedFrom{const_cast<uint8_t*>(inner.data()), static_cast<uint32_t>(inner.size())};
    ParsedPacket parsed;
    parsePacket(parsedFrom, parsed);
    require(parsed.error == ParseError::none, "law 4: forwarded a packet that does not parse");
    const ServiceKey service{parsed.key.virtualAddress(), parsed.key.virtualPort().host(), parsed.key.protocol()};
    const auto servers = configured_.find(service);
    require(servers != configured_.end() && servers->second.contains(sent.nextHop.bytes[3]),
            "law 5: sent to a server that is not configured");
    // Without a SYN no connection begins, so this one did when its server was last chosen.
    const uint8_t server = sent.nextHop.bytes[3];
    const auto [last, isNew] = lastServer_.try_emplace({parsed.key.words[0], parsed.key.tail}, server);
    const bool mayBegin =
        (parsed.tcpFlags & kTcpSyn) != 0 || parsed.key.protocol() != 6 || isSloppy_ || hashing_.contains(service);
    require(mayBegin || (!isNew && last->second == server), "law 5: a connection changed its server");
    last->second = server;
  }

  // ---- time ----

  void pass(uint32_t ticks) {
    flush();
    t_.now += ticks;
  }
  void expire() {
    flush();
    const uint8_t how = reader_.byte();
    const size_t budget = (how & 2) != 0 ? reader_.byte() : SIZE_MAX;
    t_.director.expire((how & 1) != 0 ? 1 : 0, t_.now, (how & 4) != 0, budget);
  }

  // ---- control ----

  using Configured = std::map<ServiceKey, std::set<uint8_t>>;

  static ServerKey serverOf(const ServiceKey& service, uint8_t number) {
    return {IpAddress::v4(10, 0, 0, static_cast<uint8_t>(11 + number % kServers)), service.port};
  }
  ServerConfig config() {
    ServerConfig made;
    const uint8_t bits = reader_.byte();
    made.weight = bits & 0x0f;
    made.upperThreshold = bits >> 4;
    made.lowerThreshold = (bits & 0x10) != 0 ? made.upperThreshold / 2 : 0;
    return made;
  }

  // `beyond`: what IPVS has not, [0, 5].
  static ServiceConfig serviceConfig(uint8_t argument, int beyond, uint8_t protocol) {
    static constexpr const char* kSchedulerNames[] = {"rr", "wrr", "lc", "wlc", "maglev", "rendezvous", "p2c", "sh"};
    ServiceConfig made{kSchedulerNames[argument % (beyond == 0 ? 4 : 8)]};
    if ((argument & 0x10) != 0) made.persistence.timeoutSeconds = 1 + argument % 100;
    if ((argument & 0x20) != 0) made.persistence.mask4 = Be32::from(0xffffff00);
    made.onePacket = (argument & 0x40) != 0 && protocol == kUdpProtocol;
    const SchedulerTraits traits = schedulerByName(made.scheduler)->traits();
    made.schedulerOptions.stableCursor = traits.stableCursor && beyond % 2 == 1;
    made.schedulerOptions.randomStart = traits.randomStart && beyond > 2;
    made.reschedulesUdp = beyond > 1;
    made.hashesMidStream = traits.agrees && beyond > 3;
    if (traits.ramps && !made.hashesMidStream && beyond > 0) made.slowStartSeconds = 20;
    return made;
  }

  // One operation and what becomes of `configured` when it is taken.
  Operation operation(Configured& after) {
    const uint8_t code = reader_.byte();
    const ServiceKey& service = kServiceKeys[(code >> 4) % kServices];
    const uint8_t argument = reader_.byte();
    const ServerKey server = serverOf(service, argument);
    ServiceConfig scheduler = serviceConfig(argument, code / 48, service.protocol);
    // Now and then of another protocol's state: refused.
    if (argument >= 0x80) scheduler.timeouts.seconds[argument % kTimeoutStates] = 1 + argument / 8;
    switch (code % 16) {
      case 0:
      case 1: after.try_emplace(service); return AddService{service, scheduler};
      case 2: return EditService{service, scheduler};
      case 3: after.erase(service); return DeleteService{service};
      case 4:
      case 5:
      case 6:
      case 7: after[service].insert(server.address.bytes[3]); return AddServer{service, server, config()};
      case 8:
      case 9: return EditServer{service, server, config()};
      case 10:
      case 11:
      case 12: after[service].erase(server.address.bytes[3]); return DeleteServer{service, server};
      case 13:
        if (argument != 0) return ZeroCounters{service};
        after.clear();
        return ClearServices{};
      case 14: return ZeroCounters{};
      default:
        scheduler.persistence = {};
        scheduler.timeouts = {};
        return AddService{{service.address, 0, service.protocol}, scheduler};  // always refused
    }
  }

  void apply() {
    flush();
    Configured after = configured_;
    std::vector<Operation> operations;
    for (uint32_t left = 1 + (reader_.byte() & 3u); left > 0; left--) operations.push_back(operation(after));
    const std::string before = configurationText();
    const auto result = t_.director.apply(operations);
    if (result) {
      configured_ = std::move(after);
      hashing_.clear();
      for (const auto& service : t_.rows()) {
        if (service.config.hashesMidStream) hashing_.insert(service.key);
      }
    } else {
      require(configurationText() == before, "law 6: a failed transaction changed the configuration");
    }
  }

  void endConnections() {
    flush();
    const uint8_t argument = reader_.byte();
    const ServiceKey& service = kServiceKeys[(argument >> 4) % kServices];
    const ServerKey server = serverOf(service, argument);
    const auto servers = configured_.find(service);
    const bool isConfigured = servers != configured_.end() && servers->second.contains(server.address.bytes[3]);
    const auto live = [&] { return std::ranges::count(t_.connections(), false, &ConnectionRow::isTemplate); };
    const auto before = live();
    const auto ended = t_.director.endConnections(service, server);
    require(ended.ok() == isConfigured, "law 8: connections ended of a server that is not configured");
    if (!ended) return;
    require(live() + static_cast<ptrdiff_t>(ended.value()) == before, "law 8: not as many ended as were said to");
    require(t_.counts(server.address.bytes[3], service) == Counts{}, "law 8: a connection outlived its end");
    require(t_.row(server.address.bytes[3], service).persistent == 0, "law 8: a template outlived its server's end");
  }

  std::string configurationText() const {
    std::string text;
    for (const auto& service : t_.rows()) {
      text.append(toString(service.key.address)).append(service.config.scheduler);
      text.append(std::to_string(service.traffic.inPackets)).push_back(';');
      for (const auto& server : service.servers) {
        for (const uint64_t value :
             {uint64_t{server.id}, uint64_t{server.key.address.bytes[3]}, static_cast<uint64_t>(server.config.weight),
              uint64_t{server.config.upperThreshold}, uint64_t{server.overloaded}, server.traffic.inPackets}) {
          text.append(std::to_string(value)).push_back(' ');
        }
      }
    }
    return text;
  }

  void tune() {
    flush();
    Tunables tunables = t_.director.control().tunables();
    const uint8_t bits = reader_.byte();
    tunables.connReuseMode = bits & 3;
    tunables.expireQuiescentTemplate = bits >> 5 & 1;
    tunables.expireNodestConn = bits >> 2 & 1;
    tunables.sloppyTcp = bits >> 3 & 1;
    isSloppy_ = tunables.sloppyTcp != 0;
    const uint32_t seconds = bits >> 4;
    tunables.setTimeout(timeoutIndex(TcpState::established), 1 + seconds * 60);
    tunables.setTimeout(timeoutIndex(TcpState::finWait), 1 + seconds);
    tunables.setTimeout(kUdpTimeout, 1 + seconds * 7);
    t_.director.setTunables(tunables);
  }

  // arguments: modes and drop rate, memory and what else there is to switch
  void defend() {
    flush();
    Tunables tunables = t_.director.control().tunables();
    const uint8_t modes = reader_.byte();
    tunables.dropEntry = modes & 3;
    tunables.dropPacket = modes >> 2 & 3;
    tunables.secureTcp = modes >> 4 & 3;
    tunables.amDroprate = modes >> 6;
    tunables.amemthresh = 64;
    const uint8_t memory = reader_.byte();
    t_.director.setAvailablePages(memory & 127);
    tunables.scheduleIcmp = memory >> 7;
    tunables.setTimeout(memory % kTimeoutStates, uint32_t{1} + modes);
    t_.director.setTunables(tunables);
  }

  // ---- laws ----

  void checkCounts() {
    flush();
    uint64_t verdicts = 0;
    for (const auto name : kVerdictNames) verdicts += t_.counter(name);
    require(t_.counter("received") == received_ && verdicts == received_, "law 1: received is not the sum of verdicts");

    struct Named {
      int32_t active = 0, inactive = 0, persistent = 0;
    };
    std::map<std::pair<ServiceKey, ServerKey>, Named> named;
    uint64_t live = 0, templates = 0, controlled = 0;
    for (const auto& connection : t_.connections()) {
      if (connection.isTemplate) {
        templates++;
        controlled += connection.controlled;
        if (connection.key.virtualPort().host() != 65535) {
          const ServiceKey service{connection.key.virtualAddress(), connection.key.virtualPort().host(),
                                   connection.key.protocol()};
          named[{service, connection.server}].persistent++;
        }
        continue;
      }
      live++;
      const ServiceKey service{connection.key.virtualAddress(), connection.key.virtualPort().host(),
                               connection.key.protocol()};
      Named& counts = named[{service, connection.server}];
      (connection.active ? counts.active : counts.inactive)++;
      bool isActiveState = false;
      for (size_t state = 0; state < kTcpStates; state++) {
        isActiveState |= connection.state == kTcpStateNames[state] && isActive(static_cast<TcpState>(state));
      }
      require(connection.active == isActiveState, "law 2: a connection is counted as what its state is not");
    }
    require(live + templates == t_.director.connectionCount(),
            "law 2: the table's count is not the number of live connections");
    for (const auto& service : t_.rows()) {
      for (const auto& server : service.servers) {
        const Named counts = named[{service.key, server.key}];
        require(server.active == counts.active && server.inactive == counts.inactive,
                "law 2: a server's counts are not its live connections");
        require(server.persistent >= counts.persistent, "law 2: a server's templates are not all counted");
      }
    }
    require(controlled <= live, "law 2: templates count more connections than there are");
    require(t_.counter("templatesCreated") == templates + t_.counter("templatesEnded"),
            "law 3: a template ended uncounted");
    require(t_.counter("connectionsCreated") == live + t_.counter("connectionsExpired") +
                                                    t_.counter("connectionsEvicted") + t_.counter("connectionsDropped"),
            "law 3: a connection ended uncounted");
  }

  // Brings every removed server back, so that its counts can be seen, then lets everything end.
  void finish() {
    for (const auto& service : kServiceKeys) {
      if (!configured_.contains(service)) static_cast<void>(t_.apply(AddService{service, {"rr"}}));
      for (uint8_t number = 0; number < kServers; number++) {
        const ServerKey server = serverOf(service, number);
        if (!configured_[service].contains(server.address.bytes[3])) {
          require(t_.apply(AddServer{service, server, {}}).ok(), "law 6: the configuration is not what was applied");
        }
      }
    }
    checkCounts();
    if (!broken_.empty()) return;
    for (int i = 0; i < 3; i++) t_.pass(3000);
    require(t_.director.connectionCount() == 0, "law 7: a connection outlived its deadline");
    for (const auto& service : t_.rows()) {
      require(service.servers.size() == kServers, "law 6: servers are missing at the end");
      for (const auto& server : service.servers) {
        require(server.active == 0 && server.inactive == 0, "law 7: a count is left of no connection");
        require(!server.overloaded, "law 7: an idle server is overloaded");
      }
    }
    checkCounts();
  }

  Reader reader_;
  TestDirector t_;
  CollectedOutput output_;
  Configured configured_;
  std::vector<Bytes> waiting_;
  size_t waitingFor_ = 0;
  std::map<std::pair<uint64_t, uint64_t>, uint8_t> lastServer_;  // by flow
  std::set<ServiceKey> hashing_;                                 // services that schedule mid-stream packets
  bool isSloppy_ = false;
  uint64_t received_ = 0;
  std::string broken_;
};

}  // namespace

std::string runDirectorProgram(std::span<const uint8_t> program) { return Run(program).run(); }

}  // namespace tunvs::testing
