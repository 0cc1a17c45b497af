#include "bench/memory_bench.h"

#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <barrier>
#include <cstring>
#include <ctime>
#include <memory>
#include <numeric>
#include <thread>

#include "bench/bench_packet.h"
#include "director/director.h"
#include "engine/clock.h"
#include "engine/file_pages.h"
#include "engine/pace.h"
#include "engine/table_region.h"
#include "io/memory/memory_port.h"
#include "io/os/unique_fd.h"
#include "packet/rewrite.h"

namespace tunvs::bench {
namespace {

constexpr uint32_t kMaxConnections = 1u << 26;
constexpr uint32_t kFirst = 1u << 16;      // as many as rendezvous has slots
constexpr uint32_t kDecisions = 1u << 16;  // that are timed
constexpr uint32_t kDecided = 1u << 12;    // flows that they are made for, in turn
constexpr double kLoad = 0.85;             // of the table's capacity: the design's target
constexpr uint32_t kMaxWorkers = 64;
constexpr uint32_t kTurns = 16;  // of one worker, and as many of all
constexpr uint32_t kToldTurns = 32;
constexpr uint16_t kPort = 80;
constexpr uint16_t kTunnelPort = 6080;  // of the real servers, for a method whose tunnel has one; IANA's for GUE
const IpAddress kVirtualAddress = IpAddress::v4(192, 0, 2, 1);

uint64_t clockReadNs() {
  constexpr int kReads = 10'000;
  const uint64_t begin = monotonicNs();
  for (int i = 0; i < kReads; i++) monotonicNs();
  return (monotonicNs() - begin) / kReads;
}

// Keeps the calling thread on one of the CPUs that it may use. What the kernel refuses is left as it was: then only the
// spread is larger.
void runOnCpu(uint32_t worker) {
  static const cpu_set_t allowed = [] {
    cpu_set_t set;
    CPU_ZERO(&set);
    sched_getaffinity(getpid(), sizeof set, &set);
    return set;
  }();
  const int count = CPU_COUNT(&allowed);
  if (count == 0) return;
  int left = static_cast<int>(worker) % count;
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
    if (!CPU_ISSET(cpu, &allowed) || left-- > 0) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    sched_setaffinity(0, sizeof one, &one);
    return;
  }
}

uint64_t threadCpuNs() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}

// A connection whose packets are rewritten has an entry for its server's.
uint32_t entriesPerConnection(const MemoryBenchOptions& options) {
  const auto method = forwardingMethodByName(options.forwarding);
  return method && traitsOf(*method).rewrites() ? 2 : 1;
}

Error invalid(std::string message) { return Error::make(ErrorCode::invalidArgument, std::move(message)); }

Result<TableRegion> fileRegion(size_t bytes) {
  const UniqueFd fd(memfd_create("tunvs-bench", MFD_CLOEXEC));
  if (!fd || ftruncate(fd.get(), static_cast<off_t>(bytes)) != 0)
    return Error::fromErrno(errno, "memfd_create", "bench: no file in memory");
  auto mapped = mapFile(fd.get(), bytes);
  if (!mapped) return mapped.error();
  return TableRegion::owning(mapped.value());
}

// The pages are touched before timing begins, so that page faults are no cost of a packet.
Result<TableRegion> regionFor(TableMemory tables, size_t bytes) {
  auto region = tables == TableMemory::anonymous ? TableRegion::anonymous(bytes) : fileRegion(bytes);
  if (!region.ok()) return region;
  std::memset(region->span().data(), 0, region->span().size());
  if (tables == TableMemory::moved && moveToHugePages(region->span()) == 0)
    return Error::make(ErrorCode::unsupported, "bench: this kernel moves no file into huge pages");
  return region;
}

// A director with one worker, one service and its servers.
class Subject {
 public:
  static Result<std::unique_ptr<Subject>> make(const MemoryBenchOptions& options, uint32_t capacity) {
    DirectorOptions director;
    director.maxConnections = capacity;
    director.workers = options.workers;
    director.secret = HashSecret::fromSeed(options.seed);
    director.settings.v4 = SourceRange{IpAddress::v4(10, 0, 0, 1), 32};
    auto region = regionFor(options.tables, Director::tableBytes(director));
    if (!region.ok()) return region.error();
    std::unique_ptr<Subject> subject(new Subject(options, director, std::move(region).value()));
    if (auto configured = subject->configure(options); !configured.ok()) return configured.error();
    return subject;
  }

  ~Subject() {
    isOver_ = true;
    if (notesTaker_.joinable()) notesTaker_.join();
  }

  // Takes `count` packets through a worker, each as `write(uint8_t*)` makes it. Returns the time that it took.
  // Different workers may run at once.
  template <typename Write>
  uint64_t run(size_t worker, uint32_t bytes, uint64_t count, Write&& write) {
    auto& [vector, out, expiredAt] = *lanes_[worker];
    uint64_t ns = 0;
    for (uint64_t done = 0; done < count; done += kVectorSize) {
      vector.reset();
      vector.setCount(kVectorSize);
      for (Packet& each : vector.packets()) {
        write(each.data);
        each.length = bytes;
      }
      const uint64_t begin = monotonicNs();
      const Tick now = ticksFromMs((begin - startNs_) / 1'000'000);
      director_.process(worker, vector.packets(), now, out);
      port_.queue(worker).send(out.packets(), OutputWay::server, vector);
      if (now - expiredAt >= kHousekeepTicks) {
        director_.expire(worker, now, false, kExpireBudget);
        expiredAt = now;
      }
      ns += monotonicNs() - begin;
    }
    return ns;
  }

  // Returns the real server that a flow's packets are rewritten for. REQUIRES: the flow has a connection
  Be32 serverOf(const PacketTemplate& packet, uint32_t flow) {
    Lane& lane = *lanes_[0];
    lane.vector.reset();
    lane.vector.setCount(1);
    Packet& only = lane.vector.packets()[0];
    packet.write(only.data, flow);
    only.length = packet.bytes();
    director_.process(0, lane.vector.packets(), ticksFromMs((monotonicNs() - startNs_) / 1'000'000), lane.out);
    return loadUnaligned<Be32>(only.data + kIpv4Addresses + 4);
  }

  // Has the scheduler choose for `count` flows. Returns the time that it took. Nothing is opened, so loads stay as they
  // are.
  uint64_t decide(std::span<const FlowKey> flows, uint32_t count) {
    const ServiceTable& services = *director_.control().table();
    const ServiceView& service = *services.services().front();
    const Tick now = ticksFromMs((monotonicNs() - startNs_) / 1'000'000);
    const uint64_t begin = monotonicNs();
    for (uint32_t i = 0; i < count; i++)
      undecided_ += service.schedule(flows[i % flows.size()], now, services.tunables()) == nullptr;
    return monotonicNs() - begin;
  }

  uint64_t undecided() const { return undecided_; }
  uint64_t forwarded() {
    uint64_t sum = 0;
    for (size_t worker = 0; worker < lanes_.size(); worker++) sum += port_.out(worker).packets();
    return sum;
  }
  // Counts the replies that were rewritten.
  uint64_t returned() { return director_.stats(0).verdicts[static_cast<size_t>(Verdict::returned)].read(); }
  uint64_t entries() const { return director_.connectionCount(Family::ipv4); }
  // Only the table in use counts; the other family's is reserved and never touched.
  uint64_t tableBytes() const { return ConnTable::regionBytes(Family::ipv4, director_.connectionCapacity()); }
  uint64_t configureNs() const { return configureNs_; }

 private:
  Subject(const MemoryBenchOptions& options, const DirectorOptions& director, TableRegion region)
      : region_(std::move(region)),
        director_(director, region_.span()),
        port_{options.workers, kMaxPacketBytes, MemoryEgress::Mode::count} {
    for (uint32_t i = 0; i < options.workers; i++) lanes_.push_back(std::make_unique<Lane>(options.packetBytes));
    if (!options.isMaster) return;
    director_.beginTelling();
    notesTaker_ = std::thread([this] {
      while (!isOver_.load(std::memory_order_relaxed)) {
        director_.takeSyncNotes(SIZE_MAX, [](const SyncRecord&, SyncVersion) {});
        const timespec pause{0, 1'000'000};
        nanosleep(&pause, nullptr);
      }
    });
  }

  Result<void> configure(const MemoryBenchOptions& options) {
    const auto method = forwardingMethodByName(options.forwarding);
    if (!method) return invalid("bench: there is no forwarding method \"" + options.forwarding + "\"");
    const ServiceKey service{kVirtualAddress, kPort, static_cast<uint8_t>(IpProtocol::tcp)};
    SchedulerOptions scheduler;
    scheduler.tableSize = options.tableSize;
    if (options.hashesPort) scheduler.flags = kPortFlag;
    std::vector<Operation> operations{AddService{service, {options.scheduler, scheduler}}};
    for (uint32_t i = 0; i < options.servers; i++) {
      const ServerKey server{IpAddress::v4(Be32::from(0x0a010001 + i)), kPort};
      ServerConfig config;
      config.tunnel.method = *method;
      config.tunnel.port = traitsOf(*method).hasPort ? kTunnelPort : 0;
      config.weight = static_cast<int32_t>((1 + i % 3) * options.weightFactor);
      operations.push_back(AddServer{service, server, config});
    }
    const uint64_t begin = monotonicNs();
    auto applied = director_.apply(operations);
    configureNs_ = monotonicNs() - begin;
    return applied;
  }

  // What a worker has beside the director.
  struct Lane {
    explicit Lane(uint32_t packetBytes) : vector(packetBytes) {}
    PacketVector vector;
    OutputVector out;
    Tick expiredAt = 0;
  };

  TableRegion region_;
  Director director_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  MemoryPort port_;
  uint64_t startNs_ = monotonicNs();
  uint64_t configureNs_ = 0;
  uint64_t undecided_ = 0;
  std::atomic<bool> isOver_{false};
  std::thread notesTaker_;  // of a master
};

Result<void> check(const MemoryBenchOptions& options) {
  if (options.connections > kMaxConnections) return invalid("bench: connections is at most 2^26");
  if (options.packetBytes < PacketTemplate::kMinBytes || options.packetBytes > PacketTemplate::kMaxBytes) {
    return invalid("bench: packetBytes is from 40 to 1500");
  }
  if (options.servers < 1 || options.servers > 10'000) return invalid("bench: servers is from 1 to 10000");
  if (options.weightFactor < 1 || options.weightFactor > 1u << 20)
    return invalid("bench: weightFactor is from 1 to 2^20");
  const bool isOpening = options.workload == Workload::open;
  if (options.workload == Workload::reply && (entriesPerConnection(options) == 1 || options.scheduler != "rr"))
    return invalid("bench: replies need a forwarding method that rewrites, and the scheduler rr");
  if (options.packets < 1 || options.packets > (isOpening ? kMaxConnections : uint64_t{1} << 40)) {
    return invalid("bench: packets is out of range");
  }
  if (options.workers < 1 || options.workers > kMaxWorkers) return invalid("bench: workers is from 1 to 64");
  if (options.workers > 1 && (options.workload != Workload::established || options.connections < options.workers))
    return invalid("bench: more than one worker needs established packets, and a connection for each worker");
  if (options.isMaster && (options.workload != Workload::established || options.workers > 1))
    return invalid("bench: a master needs established packets, and one worker");
  if (!isOpening && options.connections == 0) return invalid("bench: established packets need connections");
  return {};
}

std::vector<FlowKey> keysOf(const PacketTemplate& packet, uint32_t firstFlow, uint32_t count) {
  std::vector<FlowKey> keys;
  uint8_t bytes[PacketTemplate::kMaxBytes] = {};
  for (uint32_t i = 0; i < count; i++) {
    packet.write(bytes, firstFlow + i);
    ParsedPacket parsed;
    parsePacket({bytes, packet.bytes()}, parsed);
    keys.push_back(parsed.key);
  }
  return keys;
}

uint64_t wholeVectors(uint64_t packets) { return (packets + kVectorSize - 1) / kVectorSize * kVectorSize; }

// Takes one turn: each of `workers` takes `count` packets, in a thread of its own. Adds up their times.
void takeTurn(Subject& subject, const MemoryBenchOptions& options, const PacketTemplate& packet, uint32_t turn,
              std::span<const uint32_t> workers, uint64_t count, uint64_t& ns, uint64_t& cpuNs) {
  const auto sharers = static_cast<uint32_t>(workers.size());
  std::barrier start(static_cast<std::ptrdiff_t>(sharers));
  std::atomic<uint64_t> sum{0}, cpuSum{0};
  std::vector<std::thread> threads;
  for (uint32_t share = 0; share < sharers; share++) {
    threads.emplace_back([&, share] {
      runOnCpu(workers[share]);
      FlowChooser chooser(options.distribution, options.connections / sharers,
                          options.seed + turn * kMaxWorkers + share);
      start.arrive_and_wait();
      const uint64_t cpuBegin = threadCpuNs();
      sum += subject.run(workers[share], packet.bytes(), count,
                         [&](uint8_t* data) { packet.write(data, chooser.next() * sharers + share); });
      cpuSum += threadCpuNs() - cpuBegin;
    });
  }
  for (std::thread& thread : threads) thread.join();
  ns += sum;
  cpuNs += cpuSum;
}

// Measures one worker and all of them by turns, so that drift affects both alike. Each worker has turns alone.
void runWorkers(Subject& subject, const MemoryBenchOptions& options, const PacketTemplate& packet, uint64_t packets,
                MemoryBenchResult& result) {
  std::vector<uint32_t> all(options.workers);
  std::iota(all.begin(), all.end(), 0);
  const uint64_t count = wholeVectors(packets / kTurns / options.workers + 1);
  for (uint32_t turn = 0; turn < kTurns; turn++) {
    const uint32_t one = turn % options.workers;
    takeTurn(subject, options, packet, turn, {&one, 1}, count, result.aloneNs, result.aloneCpuNs);
    takeTurn(subject, options, packet, turn, all, count, result.ns, result.cpuNs);
    result.alonePackets += count;
    result.packets += count * options.workers;
  }
}

// Sends packets of the flows from `begin` on, in order. Returns the time that it took. The last vector may repeat a
// flow, which is harmless: one more SYN or ACK changes nothing.
uint64_t sendInOrder(Subject& subject, const PacketTemplate& packet, uint32_t begin, uint32_t end) {
  uint32_t flow = begin;
  return end == begin ? 0 : subject.run(0, packet.bytes(), end - begin, [&](uint8_t* data) {
    const uint32_t next = flow++;
    packet.write(data, next < end ? next : begin);
  });
}

// Has each connection some more packets, and neighbours different numbers of them: connections of all ages, whose turns
// to be told come evenly.
void growOld(Subject& subject, const MemoryBenchOptions& options, const PacketTemplate& packet) {
  const auto period = static_cast<uint32_t>(Tunables{}.syncPeriod);
  for (uint32_t more = 1; more < period; more++) {
    uint32_t flow = 0;
    const uint32_t count = options.connections / period * more;
    if (count == 0) continue;
    subject.run(0, packet.bytes(), count, [&](uint8_t* data) {
      packet.write(data, flow / more * period + period - 1 - flow % more);
      flow = (flow + 1) % count;
    });
  }
}

// Sends the same packets by a master and by a director that tells nobody, by turns, so that drift affects both alike.
void runBeside(Subject& master, Subject& untold, const MemoryBenchOptions& options, const PacketTemplate& packet,
               uint64_t packets, MemoryBenchResult& result) {
  FlowChooser toldFlows(options.distribution, options.connections, options.seed);
  FlowChooser untoldFlows = toldFlows;
  const auto turn = [&](Subject& subject, FlowChooser& flows, uint64_t count, uint64_t& cpuNs) {
    const uint64_t begin = threadCpuNs();
    const uint64_t ns = subject.run(0, packet.bytes(), count, [&](uint8_t* data) { packet.write(data, flows.next()); });
    cpuNs += threadCpuNs() - begin;
    return ns;
  };
  const uint64_t count = wholeVectors(packets / kToldTurns + 1);
  for (uint32_t i = 0; i < kToldTurns; i++) {
    result.ns += turn(master, toldFlows, count, result.cpuNs);
    turn(untold, untoldFlows, count, result.untoldCpuNs);
    result.packets += count;
  }
}

}  // namespace

Result<MemoryBenchResult> runMemoryBench(const MemoryBenchOptions& options) {
  if (auto checked = check(options); !checked.ok()) return checked.error();
  const bool isOpening = options.workload == Workload::open;
  const uint64_t packets = wholeVectors(options.packets);
  const uint64_t flows = options.connections + (isOpening ? packets : 0);
  const uint64_t entries = flows * entriesPerConnection(options);
  const auto capacity =
      std::max(ConnTable::kMinCapacity, static_cast<uint32_t>(static_cast<double>(entries) / kLoad) + 1);
  auto made = Subject::make(options, capacity);
  if (!made.ok()) return made.error();
  Subject& subject = *made.value();

  const PacketTemplate syn(IpProtocol::tcp, kVirtualAddress, kPort, options.packetBytes, kTcpSyn);
  const PacketTemplate ack(IpProtocol::tcp, kVirtualAddress, kPort, options.packetBytes, kTcpAck);
  MemoryBenchResult result;
  result.first = std::min(kFirst, options.connections);
  const auto first = static_cast<uint32_t>(result.first);
  const auto establish = [&](Subject& each) {
    const uint64_t ns = sendInOrder(each, syn, 0, first);
    sendInOrder(each, syn, first, options.connections);
    sendInOrder(each, ack, 0, options.connections);
    return ns;
  };
  result.firstNs = establish(subject);
  std::unique_ptr<Subject> untold;
  if (options.isMaster) {
    MemoryBenchOptions others = options;
    others.isMaster = false;
    auto other = Subject::make(others, capacity);
    if (!other.ok()) return other.error();
    untold = std::move(other).value();
    establish(*untold);
    for (Subject* each : {&subject, untold.get()}) growOld(*each, options, ack);
  }

  // Turns go round among the servers, so a few flows tell all the others' servers.
  std::vector<Be32> serverOf;
  if (options.workload == Workload::reply) {
    for (uint32_t flow = 0; flow < std::min(options.servers, options.connections); flow++)
      serverOf.push_back(subject.serverOf(ack, flow));
  }

  const uint64_t forwardedBefore = subject.forwarded(), returnedBefore = subject.returned();
  if (isOpening) {
    uint32_t flow = options.connections;
    result.ns = subject.run(0, syn.bytes(), packets, [&](uint8_t* data) { syn.write(data, flow++); });
    result.decisions = kDecisions;
    result.decisionNs = subject.decide(keysOf(syn, flow, kDecided), kDecisions);
    result.packets = packets;
  } else if (options.isMaster) {
    runBeside(subject, *untold, options, ack, packets, result);
  } else if (options.workers > 1) {
    runWorkers(subject, options, ack, packets, result);
  } else {
    FlowChooser chooser(options.distribution, options.connections, options.seed);
    result.ns = subject.run(0, ack.bytes(), packets, [&](uint8_t* data) {
      const uint32_t flow = chooser.next();
      if (serverOf.empty()) {
        ack.write(data, flow);
      } else {
        ack.writeReply(data, flow, serverOf[flow % options.servers]);
      }
    });
    result.packets = packets;
  }
  result.connections = subject.entries() / entriesPerConnection(options);
  result.tableBytes = subject.tableBytes();
  result.configureNs = subject.configureNs();
  result.clockNs = result.packets / kVectorSize * clockReadNs();
  const uint64_t sent = result.packets + result.alonePackets;
  const uint64_t returned = subject.returned() - returnedBefore;
  if (subject.forwarded() - forwardedBefore != sent || subject.entries() != entries || subject.undecided() != 0 ||
      returned != (options.workload == Workload::reply ? sent : 0)) {
    return Error::make(ErrorCode::system, "bench: forwarded " + std::to_string(subject.forwarded() - forwardedBefore) +
                                              " of " + std::to_string(sent) + " packets, " + std::to_string(returned) +
                                              " of them as replies, with " + std::to_string(result.connections) +
                                              " of " + std::to_string(flows) + " connections, and " +
                                              std::to_string(subject.undecided()) +
                                              " flows without a server; the run does not count");
  }
  return result;
}

}  // namespace tunvs::bench
