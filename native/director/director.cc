#include "director/director.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "core/prefetch.h"
#include "core/siphash.h"
#include "director/counters/parse_verdict.h"
#include "director/delivery/answers.h"

namespace tunvs {
namespace {

// Returns a seed for randomness that needs no secret.
uint64_t seedOf(const HashSecret& secret, uint32_t number) {
  return sipHash13({secret.words[0], secret.words[1]}, number);
}

}  // namespace

struct Director::Worker : WorkerContext {
  Worker(FragmentTable& fragments, uint64_t seed, Tick now) : lease(fragments), entries(seed, now) {}
  FragmentLease lease;  // fragments that waited and are being sent
  DropEntry entries;
};

size_t Director::tableBytes(const DirectorOptions& options) { return Entries::regionBytes(options.maxConnections); }

Result<void> Director::checkOld(const DirectorOptions& options, const Memory& memory) {
  if (memory.servers.size() < ServerDirectory::bytes())
    return Error::make(ErrorCode::invalidArgument, "the directory of servers is cut short");
  if (memory.notes.size() < noteBytes(options))
    return Error::make(ErrorCode::invalidArgument, "the notes of connections are cut short");
  return Entries::checkRegion(memory.tables, options.maxConnections);
}

Director::Director(const DirectorOptions& options, const Memory& memory)
    : workers_(options.workers),
      holdsPerTurn_(options.holdsPerTurn),
      settings_(options.settings),
      pool_(options.workers),
      control_(settings_, pool_, epochs_, seedOf(options.secret, 0), options.now),
      entries_(options.maxConnections, options.secret, options.now, memory.tables, control_, pool_, epochs_,
               memory.isOld, memory.notes),
      secret_(options.secret),
      pins_(pool_, epochs_),
      expiry_(entries_, control_, defence_, options.workers),
      endings_(entries_),
      flows_(settings_, entries_, pins_, control_, pool_, defence_),
      fragments_({}, options.secret),
      icmp_(settings_, flows_.connections(), pins_, flows_.forwarder(), flows_.replies(), pool_),
      fragmentPath_(settings_, fragments_, flows_.connections(), pins_, flows_.forwarder(), flows_.replies()),
      explainer_(control_, flows_.connections(), pins_, fragments_, flows_.forwarder(), flows_.replies(), icmp_) {
  assert(options.workers >= 1 && options.workers <= Epochs::kMaxWorkers);
  for (size_t i = 0; i < workers_; i++) {
    worker_.push_back(
        std::make_unique<Worker>(fragments_, seedOf(options.secret, 1 + static_cast<uint32_t>(i)), options.now));
    worker_[i]->index = i;
    worker_[i]->paths.begin(options.now);
    // Workers number their outer headers from different starts, so that equal numbers to one server are rare.
    const uint64_t start = derive(options.secret, 0, 0);
    worker_[i]->identification = static_cast<uint16_t>(start + i * (65536 / workers_));
    worker_[i]->identification6 = static_cast<uint32_t>((start >> 32) + i * (UINT32_MAX / workers_));
    worker_[i]->answerIdentifications = {options.secret, static_cast<uint32_t>(i)};
  }
  if (memory.servers.empty()) return;
  directory_.emplace(memory.servers);
  control_.keepIn(*directory_);
  if (memory.isOld) takenOver_ = entries_.takeOver(control_.takeOver(), *directory_, options.now);
}

Director::~Director() = default;

WorkerStats& Director::stats(size_t worker) { return worker_[worker]->stats; }

void Director::beginTelling() {
  Sync before;
  if (sync_.cells == nullptr)
    sync_.cells = std::make_unique<SyncCells>(entries_.table(Family::ipv4), entries_.table(Family::ipv6));
  before.teller = std::exchange(sync_.teller, std::make_unique<SyncTeller>(entries_, *sync_.cells, workers_));
  publishSync(std::move(before));
}

void Director::endTelling() {
  Sync before;
  before.teller = std::move(sync_.teller);
  dropUnusedCells(before);
  publishSync(std::move(before));
}

void Director::beginListening() {
  if (sync_.cells == nullptr) {
    sync_.cells = std::make_unique<SyncCells>(entries_.table(Family::ipv4), entries_.table(Family::ipv6));
    publishSync({});
  }
  if (peer_ == nullptr) peer_ = std::make_unique<Peer>(settings_, entries_, secret_);
  isListening_.store(true, std::memory_order_relaxed);
}

void Director::endListening() {
  isListening_.store(false, std::memory_order_relaxed);
  Sync before;
  dropUnusedCells(before);
  publishSync(std::move(before));
}

void Director::dropUnusedCells(Sync& before) {
  if (sync_.teller == nullptr && !isListening_.load(std::memory_order_relaxed)) before.cells = std::move(sync_.cells);
}

void Director::awaitServers() {
  if (peer_ == nullptr) return;
  std::vector<Control::Awaiting> servers;
  for (const WantedServer& wanted : peer_->synced.wanted()) {
    servers.push_back({wanted.service, wanted.server, {.tunnel = {.method = wanted.method}}});
  }
  if (!servers.empty()) control_.await(servers);
}

void Director::publishSync(Sync before) {
  entries_.setSync(sync_.cells.get(), sync_.teller.get());
  for (auto& worker : worker_) worker->sync.store(sync_.teller.get(), std::memory_order_seq_cst);
  const uint64_t epoch = epochs_.stamp();
  endedSync_.emplace_back(epoch, std::move(before));
  epochs_.advance();
}

bool Director::isHandingOver() const { return worker_[0]->handOver.isOn.load(std::memory_order_relaxed); }

uint64_t Director::noteFast(uint64_t cursor, size_t limit, Tick now) {
  return eachTellable(cursor, limit, [&](const ServiceTable& services, Family family, const Conn& conn) {
    if ((conn.flags.load(std::memory_order_relaxed) & kConnFast) != 0)
      sync_.teller->tellAgain(services, family, conn, now);
  });
}

bool Director::isSyncHurried(size_t worker) const {
  const SyncTeller* teller = worker_[worker]->sync.load(std::memory_order_acquire);
  return teller != nullptr && teller->isHurried(worker);
}

void Director::setMark(size_t worker, uint32_t mark) { worker_[worker]->mark = mark; }

void Director::process(size_t workerIndex, std::span<Packet> packets, Tick now, OutputVector& out, Verdict* verdicts) {
  assert(packets.size() <= kVectorSize && workerIndex < workers_);
  Worker& worker = *worker_[workerIndex];
  Flow* flows = worker.flows;
  worker.lease.clear();
  worker.parking.reclaim();
  out.reset();
  epochs_.enter(workerIndex);
  Pass pass{worker, control_.table(), now, out, worker.sync.load(std::memory_order_acquire)};

  if (isListening_.load(std::memory_order_relaxed) && pass.tunables().backupOnly != 0) [[unlikely]]
    return leaveAlone(worker, packets, verdicts);

  // There are four stages, so that the cache misses of one packet are fetched while the others are worked on: parse and
  // hash; fetch the bucket; fetch the connection that its tag points to; note and forward. Those that fetch do little
  // else: a prefetch waits for its address to be translated, and only what lies within the processor's reach goes on
  // meanwhile.
  const size_t count = packets.size();
  uint64_t bytes = 0;
  uint32_t counts[kVerdicts] = {};
  // Marks the packets of the vector that are whole TCP, UDP or SCTP packets.
  static_assert(kVectorSize <= 64);
  uint64_t flowMask = 0;
  const auto isFlow = [&](size_t i) { return (flowMask >> i & 1) != 0; };
  for (size_t i = 0; i < count; i++) {
    Flow& flow = flows[i];
    bytes += packets[i].length;
    if (!parsePacket(packets[i], flow.parsed)) continue;
    flowMask |= uint64_t{1} << i;
    flow.hash = entries_.table(flow.parsed.key.family).hash(flow.parsed.key);
  }
  for (size_t i = 0; i < count; i++) {
    if (!isFlow(i)) continue;
    Flow& flow = flows[i];
    flow.home = entries_.table(flow.parsed.key.family).prefetchHome(flow.hash);
  }
  for (size_t i = 0; i < count; i++) {
    if (!isFlow(i)) continue;
    Flow& flow = flows[i];
    const Family family = flow.parsed.key.family;
    flow.candidate = ConnTable::candidate(flow.home, flow.hash, family);
    if (flow.candidate != nullptr) [[likely]] {
      prefetchForWrite(flow.candidate);
    } else {
      entries_.table(family).prefetchEmpty(flow.hash);
    }
  }
  if (!pass.services->nat().isEmpty()) flows_.translated().fetchOthers({flows, count}, flowMask);
  for (size_t i = 0; i < count; i++) {
    const Verdict verdict =
        isFlow(i) ? flows_.handle(pass, flows[i], packets[i], i) : handle(pass, flows[i], packets[i], i);
    counts[static_cast<size_t>(verdict)]++;
    if (verdicts != nullptr) verdicts[i] = verdict;
  }

  reuseEvicted(worker);
  WorkerStats& stats = worker.stats;
  stats.received.add(packets.size());
  stats.receivedBytes.add(bytes);
  stats.forwardedBytes.add(std::exchange(worker.forwardedBytes, 0));
  stats.vectors.add(packets.empty() ? 0 : 1);
  for (size_t i = 0; i < kVerdicts; i++) {
    if (counts[i] != 0) stats.verdicts[i].add(counts[i]);
  }
}

// Drops all packets of a vector, as a backup does that carries none.
void Director::leaveAlone(WorkerContext& worker, std::span<Packet> packets, Verdict* verdicts) {
  WorkerStats& stats = worker.stats;
  for (size_t i = 0; i < packets.size(); i++) {
    stats.receivedBytes.add(packets[i].length);
    if (verdicts != nullptr) verdicts[i] = Verdict::dropBackup;
  }
  stats.received.add(packets.size());
  stats.vectors.add(packets.empty() ? 0 : 1);
  stats.verdicts[static_cast<size_t>(Verdict::dropBackup)].add(packets.size());
}

// Evicted entries are needed again soon: there is little room for those that wait to be reused.
void Director::reuseEvicted(WorkerContext& worker) {
  const uint64_t evicted = worker.stats.connectionsEvicted.read() + worker.stats.templatesEvicted.read();
  if (evicted == worker.evicted) [[likely]]
    return;
  worker.evicted = evicted;
  epochs_.advance();
}

// Handles a packet that is not a whole TCP, UDP or SCTP packet.
Verdict Director::handle(Pass& pass, Flow& flow, Packet& packet, size_t cause) {
  const ParsedPacket& parsed = flow.parsed;
  if (parsed.error != ParseError::none) return verdictOf(parsed.error);
  switch (parsed.packetClass) {
    case PacketClass::icmp: return icmp_.handle(pass, parsed, packet, cause);
    case PacketClass::fragment:
      return fragmentPath_.handle(pass, worker_[pass.worker.index]->lease, parsed, packet, cause);
    case PacketClass::flow:
    case PacketClass::other: break;
  }
  const Outgoing outgoing{packet.data, parsed, /*flowHash=*/0, cause};
  if (const auto passedOn = flows_.replies().handleForeign(pass, outgoing)) return *passedOn;
  const Verdict verdict = pass.services->virtualAddress(parsed.key.virtualAddress()) != nullptr
                              ? Verdict::dropProtocol
                              : Verdict::dropNoService;
  answerUnsent(pass, settings_, verdict, parsed, packet, cause);
  return verdict;
}

bool Director::hasParked(size_t worker) const { return !worker_[worker]->parking.isEmpty(); }
Tick Director::nextDeadline(size_t worker) const { return worker_[worker]->parking.nextDeadline(); }

bool Director::takeQuestion(size_t worker, PolicyQuestion& into) {
  Parking& parking = worker_[worker]->parking;
  if (!parking.hasQuestion()) return false;
  parking.takeQuestion(into);
  return true;
}

void Director::resume(size_t workerIndex, std::span<const PolicyAnswer> answers, Tick now, OutputVector& out) {
  Worker& worker = *worker_[workerIndex];
  worker.lease.clear();
  worker.parking.reclaim();
  out.reset();
  epochs_.enter(workerIndex);
  Pass pass{worker, control_.table(), now, out, worker.sync.load(std::memory_order_acquire)};
  flows_.policies().resume(pass, answers);
  worker.stats.forwardedBytes.add(std::exchange(worker.forwardedBytes, 0));
  reuseEvicted(worker);
}

bool Director::expire(size_t worker, Tick now, bool exact, size_t budget) {
  epochs_.enter(worker);
  if (worker == 0) fragments_.expire(now);
  Worker& own = *worker_[worker];
  own.lease.clear();  // a silent queue would otherwise keep room that others' fragments need
  const bool done = expiry_.expire(worker, own.stats, own.expiry, now, exact, budget);
  expiry_.dropEntries(worker, own.stats, own.entries, now);
  own.paths.goOn(*control_.table(), pool_, worker, now);
  epochs_.advance();  // after the rest, so that what has ended is free after the next vector's beginning
  return done;
}

int32_t Director::sysctl(const SysctlInfo& info) const {
  const Tunables& tunables = control_.tunables();
  const int32_t value = tunables.*info.field;
  return info.isDefenceMode() ? defence_.shown(value, tunables) : value;
}

Result<void> Director::apply(std::span<const Operation> operations, size_t* failedAt) {
  bool serversRemoved = false;
  auto done = control_.apply(operations, failedAt, &serversRemoved);
  if (done && serversRemoved && control_.tunables().expireNodestConn != 0) {
    endings_.begin();
    endRemoved();
  }
  return done;
}

void Director::settle() {
  if (!control_.settle() || control_.tunables().expireNodestConn == 0) return;
  endings_.begin();
  endRemoved();
}

bool Director::endRemoved() {
  epochs_.enter(kControlReader);
  endings_.goOn(*control_.table(), holdsPerTurn_);
  epochs_.leave(kControlReader);
  return !hasRemoved();
}

Explanation Director::explain(const ParsedPacket& parsed, Tick now, uint32_t mark) {
  epochs_.enter(kControlReader);
  Explanation said = explainer_.explain(parsed, now, mark);
  epochs_.leave(kControlReader);
  return said;
}

Result<uint64_t> Director::endConnections(const ServiceKey& service, const ServerKey& server) {
  const auto all = endThoseOf(service, server, 0, SIZE_MAX);
  if (!all) return all.error();
  return all.value().ended;
}

Result<EndedSome> Director::endConnections(const ServiceKey& service, const ServerKey& server, uint64_t cursor) {
  return endThoseOf(service, server, cursor, holdsPerTurn_);
}

Result<EndedSome> Director::endThoseOf(const ServiceKey& service, const ServerKey& server, uint64_t cursor,
                                       size_t holds) {
  const auto id = control_.serverId(service, server);
  if (!id) return id.error();
  epochs_.enter(kControlReader);
  const EndedSome some = endings_.endThoseOf(id.value(), cursor, holds);
  epochs_.leave(kControlReader);
  return some;
}

// Returns the key under which a server that gets rewritten packets answers a pinned flow.
FlowKey Director::answerTo(const FlowKey& flow, const ServerView& server, Tick now) const {
  const Be16 port = server.port == 0 ? flow.virtualPort() : Be16::from(server.port);
  const auto keyFrom = [&](const Endpoint& source) {
    return FlowKey::make(server.address, port, source.address, source.port, flow.protocol());
  };
  const uint64_t capacity = server.traits->takesSource ? settings_.natSources.capacity(flow.family) : 0;
  const ConnTable& conns = entries_.table(flow.family);
  for (uint64_t tries = std::min<uint64_t>(capacity, 256); tries > 0; tries--) {
    const uint64_t turn = server.state->nextSource.fetch_add(1, std::memory_order_relaxed);
    const FlowKey key = keyFrom(settings_.natSources.at(flow.family, turn % capacity));
    const uint64_t hash = conns.hash(key);
    // The server may be one of several services, each of which takes its pairs in turn.
    if (conns.find(key, hash) == nullptr && pins_.findReply(key, hash, now) == nullptr) return key;
  }
  return keyFrom({flow.virtualAddress(), flow.clientPort()});
}

Result<uint32_t> Director::pin(const PinRequest& request, Tick now) {
  assert(request.flow.kind() == FlowKind::connection && request.ttl >= 1);
  const auto server = control_.knownServerId(request.service, request.server);
  if (!server) return server.error();
  const ConnTable& conns = entries_.table(request.flow.family);
  const uint64_t hash = conns.hash(request.flow);
  PinRequest asked = request;
  if (const ServerView* view = control_.table()->server(server.value()); view != nullptr && view->traits->rewrites()) {
    asked.reply = answerTo(request.flow, *view, now);
  }
  const auto name = pins_.add(asked, server.value(), hash, now, asked.reply ? conns.hash(*asked.reply) : 0);
  if (!name) return name;
  // Only the packets that workers handle at this moment can still open a connection of the flow.
  bool hasConnection;
  {
    ConnTable::Guard guard(conns, hash);
    const Conn* conn = conns.find(request.flow, hash);
    hasConnection = conn != nullptr && !ConnTable::hasExpired(*conn, now);
  }
  if (!hasConnection) return name;
  pins_.takeBack(name.value());
  return Error::make(ErrorCode::exists, "a connection of this flow is in the table: use another source port");
}

void Director::handOver(size_t worker, bool isQueueEmpty) {
  HandOver& noted = worker_[worker]->handOver;
  if (noted.hasAny()) flows_.connections().handOver(noted, isQueueEmpty);
}

bool Director::hasToHandOver(size_t worker) const { return worker_[worker]->handOver.hasAny(); }

void Director::joinKernel(const KernelTallies& tallies, std::function<KernelSums()> readSums) {
  pool_.setKernel(tallies);
  readKernelSums_ = std::move(readSums);
}

void Director::setHandingOver(bool isOn) {
  for (auto& worker : worker_) worker->handOver.isOn = isOn;
}

void Director::readCounters(std::span<uint64_t> sums) const {
  assert(sums.size() == kCounters);
  for (auto& sum : sums) sum = 0;
  for (const auto& worker : worker_) addTo(sums, worker->stats);
  addTo(sums, endings_.stats());
  if (peer_ != nullptr) addTo(sums, peer_->worker.stats);
  if (!readKernelSums_) return;
  const KernelSums total = readKernelSums_();
  WorkerStats kernel;
  for (Counter* each : {&kernel.received, &kernel.handedOut, &kernel.sent, &kernel.fastForwarded,
                        &kernel.verdicts[static_cast<size_t>(Verdict::forwarded)]}) {
    each->add(total.sent.packets);
  }
  kernel.receivedBytes.add(total.sent.bytes);
  kernel.forwardedBytes.add(total.sent.bytes);
  // In the order of the program's reasons (fastpath/bpf/layout.h).
  Counter* const reasons[kKernelReasons] = {
      &kernel.slowOther,   &kernel.slowFragment, &kernel.slowControl, &kernel.slowUnknown, &kernel.slowNotYet,
      &kernel.slowExpired, &kernel.slowRise,     &kernel.slowServer,  &kernel.slowTooLong, &kernel.fastFailed};
  for (size_t i = 0; i < kKernelReasons; i++) reasons[i]->add(total.reasons[i]);
  addTo(sums, kernel);
}

}  // namespace tunvs
