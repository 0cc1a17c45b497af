#include "support/director_program.h"

#include <algorithm>

#include "support/collected_output.h"
#include "support/count_laws.h"
#include "support/output_laws.h"
#include "support/program_operations.h"
#include "support/program_packets.h"
#include "support/program_pins.h"
#include "support/raw_bytes.h"
#include "support/test_director.h"

namespace tunvs::testing {
namespace {

constexpr size_t kWorkers = 2;

DirectorOptions options() {
  DirectorOptions made = TestDirector::defaultOptions();
  made.workers = kWorkers;
  return made;
}

class Run {
 public:
  explicit Run(std::span<const uint8_t> program) : reader_(program), t_(options()) {}

  std::string run() {
    for (size_t step = 0; !reader_.isAtEnd() && laws_.hold() && step < kMaxSteps; step++) {
      doOperation();
      if (step % 64 == 63) check();
    }
    if (laws_.hold()) check();
    if (laws_.hold()) finish();
    return laws_.broken();
  }

 private:
  static constexpr size_t kMaxSteps = 4096;

  void doOperation() {
    const uint8_t code = reader_.byte();
    switch (code % 16) {
      case 0:
      case 1:
      case 2:
      case 3: return sendFlow();
      case 4: return sendMutated();
      case 5:
        return code < 0x40 ? sendRaw() : code < 0x80 ? sendReply() : code < 0xc0 ? sendFtp() : sendRewrittenParts(code);
      case 6: return sendMany();
      case 7: return pass(reader_.byte());
      case 8: return pass(reader_.word() * uint32_t{16});
      case 9: return expire();
      case 10:
      case 11:
      case 12: return apply();
      case 13: return tune();
      case 14: return code < 0x60 ? t_.director.collect(t_.now) : code < 0xb0 ? sendFragments() : sendAnswered();
      default: break;
    }
    switch (code / 0x40) {
      case 0: return flush();
      case 1: return defend();
      case 2: return endConnections();
      default: return code < 0xe0 ? pin() : release();
    }
  }

  // ---- packets ----

  // arguments: service and worker, client (2), flags
  void sendFlow() {
    const uint8_t target = reader_.byte();
    const uint16_t client = reader_.word();
    enqueue(target, programFlow(target & 0x7f, client, reader_.byte()));
  }
  void sendMutated() {
    const uint8_t target = reader_.byte();
    const uint16_t client = reader_.word();
    Bytes packet = programFlow(target & 0x7f, client, reader_.byte());
    packet[reader_.byte() % packet.size()] = reader_.byte();
    if (const size_t cut = reader_.byte(); cut < packet.size() && cut > 0) packet.resize(cut);
    enqueue(target, std::move(packet));
  }
  void sendRaw() {
    const uint8_t target = reader_.byte();
    enqueue(target, reader_.bytes(reader_.byte()));
  }
  // Sends a real server's packet. arguments: service and worker, server, client (2), flags
  void sendReply() {
    const uint8_t target = reader_.byte();
    const uint8_t server = reader_.byte();
    const uint16_t client = reader_.word();
    enqueue(target, programReply(target & 0x7f, server, client, reader_.byte()));
  }
  // Sends a segment of FTP. arguments: side and worker, server, client (2), what
  void sendFtp() {
    const uint8_t target = reader_.byte();
    const uint8_t server = reader_.byte();
    const uint16_t client = reader_.word();
    enqueue(target, programFtp(server, client, (target & 1) != 0, reader_.byte()));
  }
  // arguments: as sendReply(), and how much of it is quoted
  void sendRewrittenParts(uint8_t code) {
    const uint8_t target = reader_.byte();
    const uint8_t server = reader_.byte();
    const uint16_t client = reader_.word();
    const uint8_t what = reader_.byte();
    const size_t count = reader_.byte();
    if (code >= 0xe0) {
      for (size_t i = 1; i <= 2 + count / 32 && laws_.hold(); i++) {
        const size_t pieces = 2 + count / 32;
        enqueue(target, programReplyPiece(server, client, what, pieces, (i + what % pieces) % pieces));
      }
      return;
    }
    // What the virtual service sent, or what the real server got, came back.
    const ServiceKey& service = kProgramServiceKeys[(target & 0x7f) % kProgramServices];
    const IpAddress router = IpAddress::v4(203, 0, 113, 9);
    const bool isServers = (what & 0x80) != 0;
    Bytes about = isServers ? exchanged(programReply(target & 0x7f, server, client, what))
                            : exchanged(programFlow(target & 0x7f, client, what));
    enqueue(target, programError(about, isServers ? programServer(service, server).address : router, what, count));
  }
  // Sends a UDP datagram in pieces of 8 bytes. The first one does not come first: those before it leave together with
  // it, and enough of them fill the outputs of a vector.
  // arguments: as sendFlow(), pieces
  void sendFragments() {
    const uint8_t target = reader_.byte();
    const uint16_t client = reader_.word();
    const uint8_t number = reader_.byte();
    const size_t pieces = 2 + reader_.byte() / 2;
    for (size_t i = 1; i <= pieces && laws_.hold(); i++) {
      const size_t at = (i + number % pieces) % pieces;
      enqueue(target, programPiece(client, number, pieces, at));
    }
  }
  // Sends a ping, or a packet to a port that nobody serves.
  void sendAnswered() {
    const uint8_t target = reader_.byte();
    const uint16_t client = reader_.word();
    enqueue(target, programAnswered(client, reader_.byte()));
  }
  // Sends packets of a run of clients; long runs fill the table.
  void sendMany() {
    const uint8_t target = reader_.byte();
    const uint16_t client = reader_.word();
    const uint8_t flags = reader_.byte();
    const uint8_t last = reader_.byte();
    for (uint32_t i = 0; i <= last && laws_.hold(); i++) {
      enqueue(target, programFlow(target & 0x7f, static_cast<uint16_t>(client + i), flags));
    }
  }

  // Packets wait for their vector, which is sent when it is full and before anything else happens.
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
    outputs_.check(waiting_, verdicts, output_.take(), t_.now);
    received_ += waiting_.size();
    waiting_.clear();
  }

  // ---- time ----

  void pass(uint32_t ticks) {
    flush();
    t_.now += ticks;
    pins_.forget(t_.now);
    if (t_.director.pinCount() != 0) t_.director.collect(t_.now);  // its clock goes round between two calls otherwise
  }
  void expire() {
    flush();
    const uint8_t how = reader_.byte();
    const size_t budget = (how & 2) != 0 ? reader_.byte() : SIZE_MAX;
    t_.director.expire((how & 1) != 0 ? 1 : 0, t_.now, (how & 4) != 0, budget);
  }

  // ---- control ----

  void apply() {
    flush();
    ProgramServers after = configured_;
    std::vector<Operation> operations;
    for (uint32_t left = 1 + (reader_.byte() & 3u); left > 0; left--)
      operations.push_back(readOperation(reader_, after));
    const std::string before = configurationText();
    const auto result = t_.director.apply(operations);
    if (result) {
      configured_ = std::move(after);
      outputs_.setServices(t_.rows());
    } else {
      laws_.require(configurationText() == before, "law 6: a failed transaction changed the configuration");
    }
  }

  void endConnections() {
    flush();
    const uint8_t argument = reader_.byte();
    const ServiceKey& service = kProgramServiceKeys[(argument >> 4) % kProgramServices];
    const ServerKey server = programServer(service, argument);
    const auto servers = configured_.find(service);
    const bool isConfigured = servers != configured_.end() && servers->second.contains(server.address.bytes[3]);
    const auto live = [&] { return std::ranges::count(t_.connections(), false, &ConnectionRow::isTemplate); };
    const auto before = live();
    const auto ended = t_.director.endConnections(service, server);
    laws_.require(ended.ok() == isConfigured, "law 8: connections ended of a server that is not configured");
    if (!ended) return;
    laws_.require(live() + static_cast<ptrdiff_t>(ended.value()) == before, "law 8: not as many ended as were said to");
    laws_.require(t_.counts(server.address.bytes[3], service) == Counts{}, "law 8: a connection outlived its end");
    laws_.require(t_.row(server.address.bytes[3], service).persistent == 0,
                  "law 8: a template outlived its server's end");
  }

  // Pins the flow of a client that may have a connection. arguments: service and server, client (2), seconds
  void pin() {
    flush();
    const uint8_t argument = reader_.byte();
    const uint8_t number = (argument >> 4) % kProgramServices;
    const ServiceKey& service = kProgramServiceKeys[number];
    const ServerKey server = programServer(service, argument);
    const Bytes packet = programFlow(number, reader_.word(), 0);
    if (server.address.bytes[3] >= kFirstNatServer) return;  // checks of NAT servers go another way
    const ParsedPacket parsed = parsedFrom(packet);
    const Tick ttl = ticksFromSeconds(1u + reader_.byte());
    const ProgramPins::Pinned* pinned = pins_.find(parsed.key, t_.now);
    const bool isTaken = (pinned != nullptr && !pinned->isReleased) ||
                         std::ranges::any_of(t_.connections(), [&](const ConnectionRow& row) {
                           return row.key == parsed.key && row.expiresMs > 0;
                         });
    const auto servers = configured_.find(service);
    const bool isConfigured = servers != configured_.end() && servers->second.contains(server.address.bytes[3]);
    const auto made = t_.director.pin({.flow = parsed.key, .service = service, .server = server, .ttl = ttl}, t_.now);
    if (made) {
      laws_.require(!isTaken, "law 9: a flow was pinned that is pinned or has a connection");
      pins_.begin(parsed.key, {made.value(), server.address.bytes[3], t_.now + ttl});
    } else {
      laws_.require(isTaken || !isConfigured, "law 9: a free flow was not pinned to a configured server");
    }
  }
  void release() {
    flush();
    if (const auto name = pins_.release(reader_.byte(), t_.now)) t_.director.releasePin(*name, t_.now);
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
    outputs_.setSloppy(tunables.sloppyTcp != 0);
    const uint32_t seconds = bits >> 4;
    tunables.setTimeout(timeoutIndex(TcpState::established), 1 + seconds * 60);
    tunables.setTimeout(timeoutIndex(TcpState::finWait), 1 + seconds);
    tunables.setTimeout(kUdpTimeout, 1 + seconds * 7);
    t_.director.setTunables(tunables);
  }

  // arguments: modes and drop rate, memory and the other switches
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

  void check() {
    flush();
    checkCounts(laws_, t_, received_);
    pins_.forEach([&](const ProgramPins::Pinned& pinned) {
      const auto report = t_.director.pinReport(pinned.name);
      laws_.require(report.has_value() == !pinned.isReleased, "law 9: a pin has no report, or a released one has");
      laws_.require(!report || report->packets == pinned.packets, "law 9: a pin's packets are not counted");
    });
  }

  // Brings every removed server back, so that its counts can be seen, then lets everything end.
  void finish() {
    for (const auto& service : kProgramServiceKeys) {
      if (!configured_.contains(service)) static_cast<void>(t_.apply(AddService{service, {"rr"}}));
      for (uint8_t number = 0; number < kProgramServers; number++) {
        const ServerKey server = programServer(service, number);
        if (!configured_[service].contains(server.address.bytes[3])) {
          laws_.require(t_.apply(AddServer{service, server, {}}).ok(),
                        "law 6: the configuration is not what was applied");
        }
      }
    }
    check();
    if (!laws_.hold()) return;
    for (int i = 0; i < 3; i++) t_.pass(3000);
    pins_.forget(t_.now);
    laws_.require(t_.director.pinCount() == 0, "law 7: a pin outlived its report");
    laws_.require(t_.director.connectionCount() == 0, "law 7: a connection outlived its deadline");
    for (const auto& service : t_.rows()) {
      laws_.require(service.servers.size() == kProgramServers, "law 6: servers are missing at the end");
      for (const auto& server : service.servers) {
        laws_.require(server.active == 0 && server.inactive == 0, "law 7: a count is left of no connection");
        laws_.require(!server.overloaded, "law 7: an idle server is overloaded");
      }
    }
    check();
  }

  ProgramReader reader_;
  TestDirector t_;
  CollectedOutput output_;
  Laws laws_;
  ProgramServers configured_;
  ProgramPins pins_;
  OutputLaws outputs_{laws_, configured_, pins_};
  std::vector<Bytes> waiting_;
  size_t waitingFor_ = 0;
  uint64_t received_ = 0;
};

}  // namespace

std::string runDirectorProgram(std::span<const uint8_t> program) { return Run(program).run(); }

}  // namespace tunvs::testing
