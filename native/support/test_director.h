// A TestDirector is a director with its memory and a clock that the test sets, and the few words that director tests
// are written in.
//
//   TestDirector director;
//   director.addService("rr");
//   director.addServer(11);
//   CHECK_EQ(director.tcp(1000, kTcpSyn), "11");          // the real server 10.0.0.11 got it
//   CHECK_EQ(director.tcp(1001, kTcpAck), "dropNotScheduled");
//
// Thread safety: none; tests that run in threads use `director` itself.
#pragma once

#include <ctime>
#include <string>
#include <vector>

#include "director/director.h"
#include "support/packet_builder.h"
#include "support/test_table.h"

namespace tunvs::testing {

struct Counts {
  int32_t active = 0, inactive = 0;
  friend bool operator==(const Counts&, const Counts&) = default;
  std::string toString() const { return std::to_string(active) + " active, " + std::to_string(inactive) + " inactive"; }
};

// The clock that a worker goes by.
inline Tick coarseTick() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return ticksFromMs(static_cast<uint64_t>(now.tv_sec) * 1000 + static_cast<uint64_t>(now.tv_nsec) / 1000000);
}

class TestDirector {
 public:
  static inline const ServiceKey kWeb{IpAddress::v4(192, 0, 2, 10), 80, 6};
  static inline const ServiceKey kNames{IpAddress::v4(192, 0, 2, 10), 53, 17};

  static DirectorOptions defaultOptions() {
    DirectorOptions options;
    options.maxConnections = ConnTable::kMinCapacity;
    options.secret = HashSecret::fromSeed(42);
    options.settings.v4 = SourceRange{IpAddress::v4(10, 0, 0, 1), 32};
    return options;
  }

  explicit TestDirector(const DirectorOptions& options = defaultOptions())
      : now(options.now), memory(Director::tableBytes(options)), director(options, memory.span()) {}

  // Its tables lie in `tables`, of Director::tableBytes(options) bytes.
  TestDirector(const DirectorOptions& options, std::span<std::byte> tables)
      : now(options.now), memory(0), director(options, tables) {}

  // It lies in memory that may hold what another one has left.
  TestDirector(const DirectorOptions& options, const Director::Memory& outside)
      : now(options.now), memory(0), director(options, outside) {}

  // ---- control ----

  template <typename... Operations>
  Result<void> apply(Operations... operations) {
    const std::vector<Operation> all = {Operation{operations}...};
    return director.apply(all);
  }
  static ServerKey server(uint8_t lastByte, const ServiceKey& service = kWeb) {
    return {IpAddress::v4(10, 0, 0, lastByte), service.port};
  }
  void addService(const std::string& scheduler = "rr", const ServiceKey& service = kWeb) {
    must(apply(AddService{service, {scheduler}}));
  }
  void addService(const ServiceConfig& config, const ServiceKey& service = kWeb) {
    must(apply(AddService{service, config}));
  }
  void addServer(uint8_t lastByte, const ServerConfig& config = {}, const ServiceKey& service = kWeb) {
    must(apply(AddServer{service, server(lastByte, service), config}));
  }
  void editServer(uint8_t lastByte, const ServerConfig& config, const ServiceKey& service = kWeb) {
    must(apply(EditServer{service, server(lastByte, service), config}));
  }
  void setWeight(uint8_t lastByte, int32_t weight) {
    ServerConfig config;
    config.weight = weight;
    editServer(lastByte, config);
  }
  void setHealth(uint8_t lastByte, const HealthCondition& health, const ServiceKey& service = kWeb) {
    must(apply(EditServer{service, server(lastByte, service), row(lastByte, service).config, {.health = health}}));
  }
  void deleteServer(uint8_t lastByte, const ServiceKey& service = kWeb) {
    must(apply(DeleteServer{service, server(lastByte, service)}));
  }
  void setSysctl(std::string_view name, int64_t value) {
    Tunables tunables = director.control().tunables();
    must(tunvs::setSysctl(tunables, name, value));
    director.setTunables(tunables);
  }

  // ---- packets ----

  // Says what became of one packet: the last byte of its real server's address, or the verdict's name.
  std::string send(const Bytes& bytes, size_t worker = 0) {
    HeldPacket held(bytes);
    Packet packet = held.packet();
    Verdict verdict{};
    director.process(worker, {&packet, 1}, now, out, &verdict);
    const size_t last = verdict == Verdict::forwarded && out.count() == 2 ? 1 : 0;
    if (verdict == Verdict::forwarded && out.count() != last + 1) std::abort();
    const auto bytesOf = [](const OutputPacket& packet) { return Bytes(packet.data, packet.data + packet.length); };
    sent = out.count() > 0 ? bytesOf(out[last]) : Bytes();
    sentAhead = last > 0 ? bytesOf(out[0]) : Bytes();
    if (verdict != Verdict::forwarded) return std::string(kVerdictNames[static_cast<size_t>(verdict)]);
    return std::to_string(out[0].nextHop.bytes[3]);
  }
  // Says what would become of a packet, and changes nothing.
  Explanation explain(const Bytes& bytes) {
    HeldPacket held(bytes);
    ParsedPacket parsed;
    parsePacket(held.packet(), parsed);
    return director.explain(parsed, now);
  }
  // Clients are numbered: the first 60000 are the ports of 198.51.100.7 from 1024 on, the next those of 198.51.100.8,
  // ...
  std::string tcp(uint32_t client, uint8_t flags, size_t worker = 0) {
    return send(packetFrom(client).tcp(portOf(client), kWeb.port, flags).build(), worker);
  }
  std::string udp(uint32_t client, size_t worker = 0) {
    return send(packetFrom(client).udp(portOf(client), kNames.port).payload(9).build(), worker);
  }
  // Sends SYN and ACK, and says where both went.
  std::string establish(uint32_t client) {
    const std::string first = tcp(client, kTcpSyn);
    const std::string second = tcp(client, kTcpAck);
    return first == second ? first : first + " then " + second;
  }

  // ---- time ----

  void pass(double seconds) { passTicks(static_cast<uint32_t>(seconds * kTicksPerSecond)); }
  void passTicks(uint32_t ticks) {
    now += ticks;
    for (size_t worker = 0; worker < director.workers(); worker++) director.expire(worker, now, true, SIZE_MAX);
    director.collect(now);
  }

  // ---- what there is ----

  std::vector<ServiceRow> rows() const { return director.control().rows(now); }
  ServerRow row(uint8_t lastByte, const ServiceKey& service = kWeb) const {
    for (const auto& s : rows()) {
      if (s.key != service) continue;
      for (const auto& r : s.servers) {
        if (r.key == server(lastByte, service)) return r;
      }
    }
    std::abort();
  }
  ServiceRow serviceRow(const ServiceKey& service = kWeb) const {
    for (auto& s : rows()) {
      if (s.key == service) return s;
    }
    std::abort();
  }
  Counts counts(uint8_t lastByte, const ServiceKey& service = kWeb) const {
    const ServerRow r = row(lastByte, service);
    return {r.active, r.inactive};
  }
  uint64_t counter(std::string_view name) const {
    std::vector<uint64_t> sums(kCounters);
    director.readCounters(sums);
    for (size_t i = 0; i < kNamedCounters; i++) {
      if (kCounterInfos[i].name == name) return sums[i];
    }
    for (size_t i = 0; i < kVerdicts; i++) {
      if (kVerdictNames[i] == name) return sums[kNamedCounters + i];
    }
    std::abort();
  }
  std::vector<ConnectionRow> connections() {
    std::vector<ConnectionRow> all;
    for (uint64_t cursor = 0; cursor != UINT64_MAX;) {
      cursor = director.forEachConnection(cursor, 100, now, [&](const ConnectionRow& row) { all.push_back(row); });
    }
    return all;
  }
  // Returns the state of the only connection; "" when there is none or there are several.
  std::string state() {
    const auto all = connections();
    return all.size() == 1 ? std::string(all[0].state) : "";
  }

  Tick now;
  TableMemory memory;
  Director director;
  OutputVector out;  // for all packets: its memory is large, and dear for a sanitizer
  Bytes sent;        // the last packet that was forwarded, with its outer header
  Bytes sentAhead;   // another that was sent in front of that; empty: none

 private:
  static void must(const Result<void>& result) {
    if (result) return;
    std::printf("%s\n", result.error().message.c_str());
    std::abort();
  }
  static PacketBuilder packetFrom(uint32_t client) {
    return PacketBuilder().ip(IpAddress::v4(Be32::from(0xc6336407 + client / 60000)), kWeb.address);
  }
  static uint16_t portOf(uint32_t client) { return static_cast<uint16_t>(1024 + client % 60000); }
};

}  // namespace tunvs::testing
