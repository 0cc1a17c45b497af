#include "bench/attack_bench.h"

#include <cstring>
#include <memory>
#include <vector>

#include "bench/bench_packet.h"
#include "director/director.h"
#include "engine/clock.h"
#include "engine/pace.h"
#include "engine/table_region.h"

namespace tunvs::bench {
namespace {

constexpr uint32_t kSecond = kTicksPerSecond;
constexpr uint32_t kTalkTicks = 30 * kSecond;  // between two packets of an established connection
constexpr uint32_t kTalked = 12;               // packets of each before timing begins
constexpr uint32_t kPacketBytes = 64;
constexpr uint16_t kWebPort = 80, kStickyPort = 8080, kNamesPort = 53;
// The first address of each kind of packet or client; each further one takes the next address.
constexpr uint32_t kClients = 0x0b000000, kComers = 0x15000000, kSpoofed = 0x20000000;
const IpAddress kVip = IpAddress::v4(192, 0, 2, 1);

// What a visiting client sends and when: the handshake, a request, the acknowledgement of the answer, the end.
struct Step {
  uint32_t ticks;
  uint8_t flags;
};
constexpr Step kVisit[] = {{0, kTcpSyn}, {25, kTcpAck}, {26, kTcpAck}, {55, kTcpAck}, {60, kTcpFin | kTcpAck}};

enum class Kind : uint8_t { established, comer, flood };

// Packets that become a vector, in the order in which they arrive.
class Lane {
 public:
  Lane() : vector_(kPacketBytes) { vector_.reset(); }

  bool isFull() const { return count_ == kVectorSize; }
  void add(const PacketTemplate& packet, uint32_t source, Kind kind, uint32_t number, bool isFragment = false) {
    uint8_t* bytes = vector_[count_].data;
    packet.write(bytes, 0);
    const uint32_t raw = swapIfLittle(source);
    std::memcpy(bytes + 12, &raw, sizeof raw);
    if (isFragment) {
      storeBe16(bytes + 4, static_cast<uint16_t>(number));
      storeBe16(bytes + 6, kIpv4MoreFragments);
    }
    storeBe16(bytes + 10, 0);
    const uint16_t checksum = static_cast<uint16_t>(~checksumFold(checksumAdd20(bytes)));
    std::memcpy(bytes + 10, &checksum, sizeof checksum);
    vector_[count_].length = packet.bytes();
    kinds_[count_] = kind;
    numbers_[count_++] = number;
  }
  std::span<Packet> take() {
    vector_.setCount(std::exchange(count_, 0));
    return vector_.packets();
  }
  Kind kind(size_t i) const { return kinds_[i]; }
  uint32_t number(size_t i) const { return numbers_[i]; }
  void reset() { vector_.reset(); }

 private:
  PacketVector vector_;
  size_t count_ = 0;
  Kind kinds_[kVectorSize] = {};
  uint32_t numbers_[kVectorSize] = {};
};

class Attack {
 public:
  static Result<std::unique_ptr<Attack>> make(const AttackBenchOptions& options) {
    DirectorOptions director;
    director.maxConnections = options.capacity;
    director.secret = HashSecret::fromSeed(options.seed);
    director.settings.v4 = SourceRange{IpAddress::v4(10, 0, 0, 1), 32};
    auto region = TableRegion::anonymous(Director::tableBytes(director));
    if (!region.ok()) return region.error();
    std::unique_ptr<Attack> attack(new Attack(options, director, std::move(region).value()));
    if (auto configured = attack->configure(); !configured.ok()) return configured.error();
    return attack;
  }

  AttackBenchResult run() {
    for (uint32_t packet = 0; packet < kTalked; packet++) {
      for (uint32_t i = 0; i < options_.established; i++)
        put(quiet_, packet == 0 ? syn_ : ack_, kClients + i, Kind::established, i);
      flush(quiet_);
    }
    result_ = {};
    const uint64_t clientPackets =
        options_.established / (kTalkTicks / kSecond) + options_.newPerSecond * std::size(kVisit);
    const uint32_t steps = options_.seconds * kSecond;
    failed_.assign(uint64_t{options_.newPerSecond} * options_.seconds + kSecond, false);
    for (uint32_t step = 0; step < steps; step++) {
      now_++;
      const auto due = [step](uint64_t perSecond) {
        return static_cast<uint32_t>((step + 1) * perSecond / kSecond - step * perSecond / kSecond);
      };
      const uint32_t flood = options_.flood == Flood::none ? 0 : due(clientPackets * options_.floodFactor);
      const uint32_t begin = comersAt(step), end = comersAt(step + 1);
      // Half of the flood comes before the clients' packets of this step, and half behind them.
      for (uint32_t i = 0; i < flood / 2; i++) attack();
      talk(step);
      for (uint32_t i = begin; i < end; i++) visit(i, 0);
      for (size_t packet = 1; packet < std::size(kVisit); packet++) {
        if (step < kVisit[packet].ticks) continue;
        const uint32_t then = step - kVisit[packet].ticks;
        for (uint32_t i = comersAt(then); i < comersAt(then + 1); i++) visit(i, packet);
      }
      for (uint32_t i = flood / 2; i < flood; i++) attack();
      flush(mixed_);
      if (now_ - expiredAt_ >= kHousekeepTicks) expire();
    }
    flush(quiet_);
    // Only clients whose visit was over by the end count.
    const uint32_t last = comersAt(steps - kVisit[std::size(kVisit) - 1].ticks - 1);
    for (uint32_t i = 0; i < last; i++) result_.comersServed += !failed_[i];
    result_.comers = last;
    result_.connections = director_.connectionCount(Family::ipv4);
    const WorkerStats& stats = director_.stats(0);
    result_.evictedClosing = stats.evictedClosing.read();
    result_.evictedUnproven = stats.evictedUnproven.read();
    result_.evictedIdle = stats.evictedIdle.read();
    result_.refused = stats.verdicts[static_cast<size_t>(Verdict::dropTableFull)].read();
    return result_;
  }

 private:
  Attack(const AttackBenchOptions& options, const DirectorOptions& director, TableRegion region)
      : options_(options), region_(std::move(region)), director_(director, region_.span()) {}

  Result<void> configure() {
    std::vector<Operation> operations;
    for (const auto& [port, protocol, persistentSeconds] : {std::tuple{kWebPort, IpProtocol::tcp, 0u},
                                                            {kStickyPort, IpProtocol::tcp, 300u},
                                                            {kNamesPort, IpProtocol::udp, 0u}}) {
      const ServiceKey service{kVip, port, static_cast<uint8_t>(protocol)};
      ServiceConfig config{"wlc"};
      config.persistence.timeoutSeconds = persistentSeconds;
      operations.push_back(AddService{service, config});
      for (uint32_t i = 0; i < 16; i++)
        operations.push_back(AddServer{service, {IpAddress::v4(Be32::from(0x0a010001 + i)), port}, {}});
    }
    return director_.apply(operations);
  }

  uint32_t comersAt(uint32_t step) const {
    return static_cast<uint32_t>(uint64_t{step} * options_.newPerSecond / kSecond);
  }

  // The established connections whose turn it is send a packet each, in vectors of their own.
  void talk(uint32_t step) {
    const auto first = static_cast<uint32_t>(uint64_t{step % kTalkTicks} * options_.established / kTalkTicks);
    const auto end = static_cast<uint32_t>((uint64_t{step % kTalkTicks} + 1) * options_.established / kTalkTicks);
    for (uint32_t i = first; i < end; i++) {
      // A stride keeps neighbours in time from being neighbours in memory.
      const auto number = static_cast<uint32_t>(uint64_t{i} * 7919 % options_.established);
      put(quiet_, ack_, kClients + number, Kind::established, number);
    }
  }
  void visit(uint32_t number, size_t packet) {
    const uint8_t flags = kVisit[packet].flags;
    const PacketTemplate& sent = packet == 0 ? syn_ : (flags & kTcpFin) != 0 ? fin_ : ack_;
    put(mixed_, sent, kComers + number, Kind::comer, number);
  }
  void attack() {
    const uint32_t n = attacks_++;
    const auto put = [&](const PacketTemplate& packet, uint32_t spoofed, bool isFragment = false) {
      this->put(mixed_, packet, kSpoofed + spoofed, Kind::flood, n, isFragment);
    };
    switch (options_.flood) {
      case Flood::none: return;
      case Flood::syn: return put(syn_, n);
      case Flood::established: return put(n % 2 == 0 ? syn_ : ack_, n / 2);
      case Flood::talking: return put(n % 3 == 0 ? syn_ : ack_, n / 3);
      case Flood::udp: return put(datagram_, n);
      case Flood::fragments: return put(datagram_, n, /*isFragment=*/true);
      case Flood::persistent: return put(stickySyn_, n);
    }
  }

  void put(Lane& lane, const PacketTemplate& packet, uint32_t source, Kind kind, uint32_t number,
           bool isFragment = false) {
    lane.add(packet, source, kind, number, isFragment);
    if (lane.isFull()) flush(lane);
  }
  void flush(Lane& lane) {
    Verdict verdicts[kVectorSize];
    const std::span<Packet> packets = lane.take();
    if (packets.empty()) return;
    const uint64_t begin = monotonicNs();
    director_.process(0, packets, now_, out_, verdicts);
    const uint64_t ns = monotonicNs() - begin;
    (&lane == &quiet_ ? result_.establishedNs : result_.floodNs) += ns;
    if (&lane == &quiet_) result_.establishedTimed += packets.size();
    for (size_t i = 0; i < packets.size(); i++) {
      const bool isForwarded = verdicts[i] == Verdict::forwarded;
      switch (lane.kind(i)) {
        case Kind::established:
          result_.establishedSent++;
          result_.establishedForwarded += isForwarded;
          break;
        case Kind::comer:
          if (!isForwarded) failed_[lane.number(i)] = true;
          break;
        case Kind::flood: result_.floodPackets++; break;
      }
    }
    lane.reset();
    if (!isExpiryDone_) expire();
  }
  void expire() {
    isExpiryDone_ = director_.expire(0, now_, false, kExpireBudget);
    expiredAt_ = now_;
  }

  AttackBenchOptions options_;
  TableRegion region_;
  Director director_;
  OutputVector out_;
  Lane quiet_, mixed_;  // the established connections' packets, and all others
  const PacketTemplate syn_{IpProtocol::tcp, kVip, kWebPort, kPacketBytes, kTcpSyn};
  const PacketTemplate ack_{IpProtocol::tcp, kVip, kWebPort, kPacketBytes, kTcpAck};
  const PacketTemplate fin_{IpProtocol::tcp, kVip, kWebPort, kPacketBytes, kTcpFin | kTcpAck};
  const PacketTemplate stickySyn_{IpProtocol::tcp, kVip, kStickyPort, kPacketBytes, kTcpSyn};
  const PacketTemplate datagram_{IpProtocol::udp, kVip, kNamesPort, kPacketBytes, 0};
  std::vector<bool> failed_;  // by visiting client
  AttackBenchResult result_;
  uint32_t attacks_ = 0;
  Tick now_ = 0, expiredAt_ = 0;
  bool isExpiryDone_ = true;
};

}  // namespace

Result<AttackBenchResult> runAttackBench(const AttackBenchOptions& options) {
  const auto invalid = [](const char* why) { return Error::make(ErrorCode::invalidArgument, why); };
  if (options.capacity < 1u << 16 || options.capacity > 1u << 26)
    return invalid("bench: capacity is from 2^16 to 2^26");
  if (options.established > options.capacity) return invalid("bench: established is at most the capacity");
  if (options.newPerSecond < 250 || options.newPerSecond > 1'000'000)
    return invalid("bench: newPerSecond is from 250 to 1000000");
  if (options.seconds < 1 || options.seconds > 600) return invalid("bench: seconds is from 1 to 600");
  if (options.floodFactor > 100) return invalid("bench: floodFactor is at most 100");
  auto made = Attack::make(options);
  if (!made.ok()) return made.error();
  return made.value()->run();
}

}  // namespace tunvs::bench
