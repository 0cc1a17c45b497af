#include "director/director.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "core/siphash.h"
#include "director/delivery/answers.h"
#include "director/protocol/protocol_state.h"

namespace tunvs {
namespace {

constexpr size_t kMaxReleased = 128;  // fragments of one datagram, FragmentTable's own limit
constexpr size_t kGroup = 16;         // packets of a vector that one stage takes at a time

// Seeds of randomness that no secret hangs on.
uint64_t seedOf(const HashSecret& secret, uint32_t number) {
  return sipHash13({secret.words[0], secret.words[1]}, number);
}

constexpr Verdict verdictOf(ParseError error) {
  switch (error) {
    case ParseError::none: return Verdict::forwarded;
    case ParseError::truncated: return Verdict::dropTruncated;
    case ParseError::badVersion: return Verdict::dropBadVersion;
    case ParseError::badHeader: return Verdict::dropBadHeader;
    case ParseError::badChecksum: return Verdict::dropBadChecksum;
    case ParseError::badSource: return Verdict::dropBadSource;
    case ParseError::sourceRouted: return Verdict::dropSourceRouted;
    case ParseError::ttlExpired: return Verdict::dropTtlExpired;
    case ParseError::protocol: return Verdict::dropProtocol;
    case ParseError::shortTransport: return Verdict::dropShortTransport;
  }
  return Verdict::dropBadHeader;
}

FragmentInfo fragmentInfoOf(const ParsedPacket& parsed) {
  FragmentInfo info;
  info.source = parsed.key.client();
  info.destination = parsed.key.virtualAddress();
  info.identification = parsed.identification;
  info.protocol = parsed.protocol;
  // Of IPv6 only what stands between the fixed header and the fragment header counts.
  info.headerBytes =
      static_cast<uint16_t>(parsed.key.isV4() ? parsed.fragmentPayload : parsed.fragmentPayload - kIpv6HeaderBytes - 8);
  info.offsetBytes = parsed.fragmentOffset;
  info.payloadBytes = parsed.length - parsed.fragmentPayload;
  info.transportOffset = static_cast<uint16_t>(parsed.transport - parsed.fragmentPayload);
  info.more = parsed.moreFragments;
  return info;
}

}  // namespace

struct Director::Worker : WorkerContext {
  Worker(FragmentTable& fragments, uint64_t seed, Tick now) : lease(fragments), entries(seed, now) {}
  FragmentLease lease;  // fragments that had waited and are being sent
  DropEntry entries;
};

size_t Director::tableBytes(const DirectorOptions& options) { return Entries::regionBytes(options.maxConnections); }

Director::Director(const DirectorOptions& options, std::span<std::byte> tableRegion)
    : workers_(options.workers),
      holdsPerTurn_(options.holdsPerTurn),
      settings_(options.settings),
      pool_(options.workers),
      control_(settings_, pool_, epochs_, seedOf(options.secret, 0), options.now),
      entries_(options.maxConnections, options.secret, options.now, tableRegion, control_, pool_, epochs_),
      connections_(entries_, control_, pool_, defence_),
      fragments_({}, options.secret),
      forwarder_(settings_, pool_),
      icmp_(settings_, connections_, forwarder_, pool_) {
  assert(options.workers >= 1 && options.workers < Epochs::kMaxReaders);
  for (size_t i = 0; i < workers_; i++) {
    worker_.push_back(
        std::make_unique<Worker>(fragments_, seedOf(options.secret, 1 + static_cast<uint32_t>(i)), options.now));
    worker_[i]->index = i;
    worker_[i]->marksTurned = options.now;
    // Workers number their outer headers from different starts, so that equal ones to one server are rare.
    const uint64_t start = derive(options.secret, 0, 0);
    worker_[i]->identification = static_cast<uint16_t>(start + i * (65536 / workers_));
    worker_[i]->identification6 = static_cast<uint32_t>((start >> 32) + i * (UINT32_MAX / workers_));
    worker_[i]->answerIdentifications = {options.secret, static_cast<uint32_t>(i)};
  }
}

Director::~Director() = default;

WorkerStats& Director::stats(size_t worker) { return worker_[worker]->stats; }

void Director::setMark(size_t worker, uint32_t mark) { worker_[worker]->mark = mark; }

void Director::process(size_t workerIndex, std::span<Packet> packets, Tick now, OutputVector& out, Verdict* verdicts) {
  assert(packets.size() <= kVectorSize && workerIndex < workers_);
  Worker& worker = *worker_[workerIndex];
  Flow* flows = worker.flows;
  worker.lease.clear();
  worker.parking.reclaim();
  out.reset();
  epochs_.enter(workerIndex);
  Pass pass{worker, control_.table(), now, out};

  // Three stages, each a group behind the one before, so that a group's cache misses are fetched while others are
  // worked on: parse, hash and fetch the bucket; fetch the connection that its tag points to; look up and forward.
  const size_t count = packets.size();
  uint64_t bytes = 0;
  uint32_t counts[kVerdicts] = {};
  // Which packets of the vector are whole TCP, UDP or SCTP packets.
  static_assert(kVectorSize <= 64);
  uint64_t flowMask = 0;
  const auto isFlow = [&](size_t i) { return (flowMask >> i & 1) != 0; };
  for (size_t begin = 0; begin < count + 2 * kGroup; begin += kGroup) {
    for (size_t i = begin; i < std::min(begin + kGroup, count); i++) {
      Flow& flow = flows[i];
      bytes += packets[i].length;
      if (!parsePacket(packets[i], flow.parsed)) continue;
      flowMask |= uint64_t{1} << i;
      const ConnTable& conns = connections_.table(flow.parsed.key.family);
      flow.hash = conns.hash(flow.parsed.key);
      conns.prefetchBucket(flow.hash);
    }
    if (begin < kGroup) continue;
    for (size_t i = begin - kGroup; i < std::min(begin, count); i++) {
      if (!isFlow(i)) continue;
      flows[i].candidate = connections_.table(flows[i].parsed.key.family).candidate(flows[i].hash);
      __builtin_prefetch(flows[i].candidate, 1);
    }
    if (begin < 2 * kGroup) continue;
    for (size_t i = begin - 2 * kGroup; i < std::min(begin - kGroup, count); i++) {
      const Verdict verdict =
          isFlow(i) ? handleFlow(pass, flows[i], packets[i], i) : handle(pass, flows[i], packets[i], i);
      counts[static_cast<size_t>(verdict)]++;
      if (verdicts != nullptr) verdicts[i] = verdict;
    }
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

// What was evicted is needed again soon: the room for those that wait is small.
void Director::reuseEvicted(WorkerContext& worker) {
  const uint64_t evicted = worker.stats.connectionsEvicted.read() + worker.stats.templatesEvicted.read();
  if (evicted == worker.evicted) [[likely]]
    return;
  worker.evicted = evicted;
  epochs_.advance();
}

// What is no whole TCP, UDP or SCTP packet.
Verdict Director::handle(Pass& pass, Flow& flow, Packet& packet, size_t cause) {
  const ParsedPacket& parsed = flow.parsed;
  if (parsed.error != ParseError::none) return verdictOf(parsed.error);
  switch (parsed.packetClass) {
    case PacketClass::icmp: return icmp_.handle(pass, parsed, packet, cause);
    case PacketClass::fragment: return handleFragment(pass, parsed, packet, cause);
    case PacketClass::flow:
    case PacketClass::other: break;
  }
  const Verdict verdict = pass.services->virtualAddress(parsed.key.virtualAddress()) != nullptr
                              ? Verdict::dropProtocol
                              : Verdict::dropNoService;
  answer(pass, verdict, parsed, packet, cause);
  return verdict;
}

inline Verdict Director::serverFor(Pass& pass, const ParsedPacket& parsed, uint64_t hash, Conn* conn,
                                   const ServerView*& server, PolicyTurn* turn) {
  // IPVS without any service is not there at all: what it had balanced, the host refuses.
  if (pass.services->services().empty()) [[unlikely]]
    return Verdict::dropNoService;
  if (conn != nullptr && !ConnTable::hasExpired(*conn, pass.now)) server = connections_.serverOf(pass.services, *conn);
  if (server == nullptr || Connections::mustEnd(*conn, *server, parsed, pass.tunables())) {
    // Behind those of its flow that wait, whatever it is.
    if (turn == &pass.worker.asking && pass.worker.parking.holds(parsed.key, hash)) return Verdict::parked;
    return connections_.open(pass, parsed, hash, server, turn);
  }
  if (!server->available) return Verdict::dropServerGone;
  connections_.update(pass, conn, *server, parsed, hash);
  return Verdict::forwarded;
}

// The established path: find, check, note the state, put the outer header on.
Verdict Director::handleFlow(Pass& pass, Flow& flow, Packet& packet, size_t cause) {
  const ParsedPacket& parsed = flow.parsed;
  const ServerView* server = nullptr;
  Conn* conn = connections_.table(parsed.key.family).find(parsed.key, flow.hash, flow.candidate);
  const Verdict verdict = serverFor(pass, parsed, flow.hash, conn, server, &pass.worker.asking);
  if (verdict != Verdict::forwarded) [[unlikely]] {
    if (verdict == Verdict::parked) return park(pass, flow, packet, cause);
    answer(pass, verdict, parsed, packet, cause);
    return verdict;
  }
  return forwarder_.send(pass, *server, {packet.data, parsed, flow.hash, cause});
}

Verdict Director::handleFragment(Pass& pass, const ParsedPacket& parsed, Packet& packet, size_t cause) {
  const FragmentInfo info = fragmentInfoOf(parsed);
  if (info.isFirst()) return handleFirstFragment(pass, info, parsed, packet, cause);
  // Of IPv6, only the first fragment says what it is.
  if (parsed.key.isV4() && !isBalanced(parsed.protocol)) return Verdict::dropFragment;
  const FragmentAnswer answer = fragments_.follow(info, {packet.data, parsed.length}, pass.now);
  switch (answer.verdict) {
    case FragmentVerdict::wait: return Verdict::waitingFragment;
    case FragmentVerdict::drop: break;
    case FragmentVerdict::forward: return sendFragment(pass, answer.decision, parsed, packet, cause);
  }
  if (answer.decision.refusal != 0) return static_cast<Verdict>(answer.decision.refusal);
  answerFragment(pass, info, answer.reason, parsed, packet, cause);
  return Verdict::dropFragment;
}

Verdict Director::handleFirstFragment(Pass& pass, const FragmentInfo& info, const ParsedPacket& parsed, Packet& packet,
                                      size_t cause) {
  if (parsed.key.isV4() && !isBalanced(parsed.protocol)) return Verdict::dropFragment;
  // Nothing is opened or counted for a fragment that goes nowhere.
  const FragmentAnswer begun = fragments_.begin(info, pass.now);
  if (begun.verdict != FragmentVerdict::forward) {
    answerFragment(pass, info, begun.reason, parsed, packet, cause);
    return Verdict::dropFragment;
  }
  FragmentDecision decision;
  Verdict verdict = Verdict::dropFragment;
  const ServerView* server = nullptr;
  if (isBalanced(parsed.protocol)) {
    const ConnTable& conns = connections_.table(parsed.key.family);
    const uint64_t hash = conns.hash(parsed.key);
    verdict = serverFor(pass, parsed, hash, conns.find(parsed.key, hash), server);
    decision.flowHash = hash;
  }
  if (verdict == Verdict::forwarded) {
    decision.server = server->id;
    // The client is told by the first fragment; without it the others are of no use.
    if (forwarder_.wouldTellTooBig(*server, parsed, pass.now, pass.tunables()))
      decision.refusal = static_cast<uint8_t>(Verdict::dropFragment);
  } else {
    decision.refusal = static_cast<uint8_t>(verdict);
    answer(pass, verdict, parsed, packet, cause);
  }
  // Those that had waited are sent behind the first; they stay where they are until the lease is cleared.
  std::array<Packet, kMaxReleased> released;
  size_t count = 0;
  const FragmentAnswer answer =
      fragments_.settle(info, decision, pass.now, worker_[pass.worker.index]->lease, [&](Packet waited) {
        if (count < released.size()) released[count++] = waited;
      });
  if (answer.verdict != FragmentVerdict::forward) {
    if (verdict != Verdict::forwarded) return verdict;
    if (answer.reason != FragmentDrop::refused || decision.refusal == 0) return Verdict::dropFragment;
    return sendFragment(pass, decision, parsed, packet, cause);
  }
  const Verdict sent = sendFragment(pass, answer.decision, parsed, packet, cause);
  for (size_t i = 0; i < count; i++) {
    ParsedPacket again;
    parsePacket(released[i], again);
    if (again.error != ParseError::none) continue;  // can't be: it was parsed when it came
    const Verdict waited = sendFragment(pass, answer.decision, again, released[i], cause);
    (waited == Verdict::forwarded ? pass.worker.stats.fragmentsReleased : pass.worker.stats.fragmentsRefused).add(1);
  }
  return sent;
}

// Only of a virtual address, and what a host would say.
void Director::answerFragment(Pass& pass, const FragmentInfo& info, FragmentDrop reason, const ParsedPacket& parsed,
                              const Packet& packet, size_t cause) {
  if (parsed.key.isV4() || pass.services->virtualAddress(parsed.key.virtualAddress()) == nullptr) return;
  Answers(pass, cause).malformedFragment({packet.data, parsed.length}, parsed, info, reason);
}

Verdict Director::sendFragment(Pass& pass, const FragmentDecision& decision, const ParsedPacket& parsed, Packet packet,
                               size_t cause) {
  const ServerView* server = pass.services->server(decision.server);
  if (server == nullptr || !server->available) return Verdict::dropServerGone;
  return forwarder_.send(pass, *server, {packet.data, parsed, decision.flowHash, cause});
}

void Director::answer(Pass& pass, Verdict verdict, const ParsedPacket& parsed, const Packet& packet, size_t cause) {
  Answers answers(pass, cause);
  const std::span<const uint8_t> bytes(packet.data, parsed.length);
  switch (verdict) {
    case Verdict::dropNoServer:
      if (settings_.noServerReply == NoServerReply::reset && parsed.protocol == kTcpProtocol)
        return answers.reset(bytes, parsed);
      return answers.portUnreachable(bytes, parsed);
    case Verdict::dropNoService:
    case Verdict::dropNotScheduled:
    case Verdict::dropProtocol:
      if (pass.services->virtualAddress(parsed.key.virtualAddress()) != nullptr) answers.refuse(bytes, parsed);
      return;
    default: return;
  }
}

Verdict Director::park(Pass& pass, const Flow& flow, Packet& packet, size_t cause) {
  const ParsedPacket& parsed = flow.parsed;
  const std::span<const uint8_t> bytes(packet.data, parsed.length);
  const auto count = PolicyCounters::addOne;
  if (ParkedFlow* waiting = pass.worker.parking.find(parsed.key, flow.hash)) {
    const bool hasRoom = pass.worker.parking.parkBehind(*waiting, bytes, static_cast<uint8_t>(cause));
    PolicyCounters& counters = waiting->policy->counters;
    count(hasRoom ? counters.parked : counters.dropped);
    return hasRoom ? Verdict::parked : Verdict::dropParkingFull;
  }
  const auto& policy = *pass.worker.asking.policy;
  count(policy->counters.asked);
  if (pass.worker.parking.park(parsed.key, flow.hash, bytes, static_cast<uint8_t>(cause), policy, pass.now)) {
    count(policy->counters.parked);
    return Verdict::parked;
  }
  count(policy->counters.overflow);
  const ServerView* server = nullptr;
  const Verdict verdict = connections_.open(pass, parsed, flow.hash, server);
  if (verdict != Verdict::forwarded) {
    answer(pass, verdict, parsed, packet, cause);
    return verdict;
  }
  return forwarder_.send(pass, *server, {packet.data, parsed, flow.hash, cause});
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
  Pass pass{worker, control_.table(), now, out};
  for (const PolicyAnswer& answer : answers) {
    if (ParkedFlow* flow = worker.parking.flowOf(answer)) settle(pass, *flow, &answer);
  }
  worker.parking.forEachOverdue(now, [&](ParkedFlow& flow) { settle(pass, flow, /*answer=*/nullptr); });
  worker.stats.forwardedBytes.add(std::exchange(worker.forwardedBytes, 0));
  reuseEvicted(worker);
}

// `answer` null: there is none in time.
void Director::settle(Pass& pass, ParkedFlow& flow, const PolicyAnswer* answer) {
  const bool isDecided = answer != nullptr && answer->kind == PolicyAnswer::Kind::server;
  PolicyTurn turn{isDecided ? PolicyTurn::Kind::decided : PolicyTurn::Kind::fallback,
                  isDecided ? answer->server : kNoServer};
  const auto policy = flow.policy;
  const uint64_t hash = flow.hash;
  pass.worker.parking.end(flow, [&](Packet packet, size_t cause) {
    ParsedPacket parsed;
    parsePacket(packet, parsed);
    if (parsed.error != ParseError::none) return;  // can't be: it was parsed when it came
    const ConnTable& conns = connections_.table(parsed.key.family);
    const ServerView* server = nullptr;
    Verdict verdict = serverFor(pass, parsed, hash, conns.find(parsed.key, hash), server, &turn);
    if (verdict == Verdict::forwarded) {
      verdict = forwarder_.send(pass, *server, {packet.data, parsed, hash, cause});
    } else {
      this->answer(pass, verdict, parsed, packet, cause);
    }
    (verdict == Verdict::forwarded ? pass.worker.stats.parkedReleased : pass.worker.stats.parkedRefused).add(1);
  });
  PolicyCounters& counters = policy->counters;
  const auto outcome = [&]() -> std::atomic<uint64_t>& {
    if (answer == nullptr) return counters.late;
    switch (answer->kind) {
      case PolicyAnswer::Kind::server: return turn.isRefused ? counters.failed : counters.answered;
      case PolicyAnswer::Kind::scheduler: return counters.answered;
      case PolicyAnswer::Kind::failed: return counters.failed;
      case PolicyAnswer::Kind::overflow: return counters.overflow;
    }
    return counters.failed;
  };
  PolicyCounters::addOne(outcome());
}

bool Director::expire(size_t worker, Tick now, bool exact, size_t budget) {
  epochs_.enter(worker);
  if (worker == 0) fragments_.expire(now);
  Worker& own = *worker_[worker];
  own.lease.clear();  // a queue that has fallen silent would keep what others' fragments need
  const bool done = connections_.expire(worker, workers_, own.stats, own.expiry, now, exact, budget);
  connections_.dropEntries(worker, workers_, own.stats, own.entries, now);
  turnMarks(own, now);
  epochs_.advance();  // behind it, so that what has ended is free after the next vector's beginning
  return done;
}

// A length counts as sent lately for one to two of these.
constexpr uint32_t kMarkTicks = ticksFromSeconds(30);
constexpr size_t kMarksAtOnce = 1024;  // so that packets never wait long

void Director::turnMarks(WorkerContext& worker, Tick now) {
  if (worker.marksCursor == 0) {
    if (now - worker.marksTurned < kMarkTicks) return;
    worker.marksTurned = now;
  }
  const ServiceTable& services = *control_.table();
  const auto end = static_cast<uint32_t>(std::min(services.idCount(), worker.marksCursor + kMarksAtOnce));
  for (uint32_t id = worker.marksCursor; id < end; id++) {
    const ServerView* server = services.server(id);
    if (server == nullptr) continue;
    pool_.counters(worker.index, id).longest.turn();
    server->pathMtu->forgetExpired(now);
  }
  worker.marksCursor = end < services.idCount() ? end : 0;
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
    connections_.begin(removal_);
    endRemoved();
  }
  return done;
}

bool Director::endRemoved() {
  epochs_.enter(kControlReader);
  connections_.endUnavailable(controlStats_, *control_.table(), removal_, holdsPerTurn_);
  epochs_.leave(kControlReader);
  return !hasRemoved();
}

Explanation Director::explain(const ParsedPacket& parsed, Tick now, uint32_t mark) {
  if (parsed.error != ParseError::none) return {.verdict = verdictOf(parsed.error)};
  epochs_.enter(kControlReader);
  Explanation said;
  switch (parsed.packetClass) {
    case PacketClass::flow: said = explainFlow(parsed, now, mark); break;
    case PacketClass::fragment: said = explainFragment(parsed, now, mark); break;
    case PacketClass::icmp: said = explainIcmp(parsed, now, mark); break;
    case PacketClass::other:
      said.verdict = control_.table()->virtualAddress(parsed.key.virtualAddress()) != nullptr ? Verdict::dropProtocol
                                                                                              : Verdict::dropNoService;
      break;
  }
  epochs_.leave(kControlReader);
  return said;
}

Explanation Director::explainFlow(const ParsedPacket& parsed, Tick now, uint32_t mark) const {
  const ServerView* server = nullptr;
  Explanation said = connections_.explain(parsed, mark, now, server);
  if (server != nullptr && said.verdict == Verdict::forwarded) {
    const uint64_t hash = connections_.table(parsed.key.family).hash(parsed.key);
    said.verdict = forwarder_.judge(*server, parsed, hash, /*isRelayed=*/false, now, control_.table()->tunables());
  }
  // In a service of every port or of a mark, the packet's own.
  if (said.server && said.server->port == 0) said.server->port = parsed.key.virtualPort().host();
  return said;
}

Explanation Director::explainFragment(const ParsedPacket& parsed, Tick now, uint32_t mark) const {
  const FragmentInfo info = fragmentInfoOf(parsed);
  // Of IPv6, only the first fragment says what it is.
  if (!isBalanced(parsed.protocol) && (parsed.key.isV4() || info.isFirst())) return {.verdict = Verdict::dropFragment};
  const FragmentAnswer answer = fragments_.foresee(info, now);
  if (info.isFirst()) {
    const bool isTakenIn = answer.verdict != FragmentVerdict::drop;
    return isTakenIn ? explainFlow(parsed, now, mark) : Explanation{.verdict = Verdict::dropFragment};
  }
  if (answer.verdict == FragmentVerdict::wait) return {.verdict = Verdict::waitingFragment};
  if (answer.verdict == FragmentVerdict::drop) {
    const bool hasReason = answer.decision.refusal != 0;
    return {.verdict = hasReason ? static_cast<Verdict>(answer.decision.refusal) : Verdict::dropFragment};
  }
  const ServiceTable* services = control_.table();
  const ServerView* server = services->server(answer.decision.server);
  if (server == nullptr || !server->available) return {.verdict = Verdict::dropServerGone};
  Explanation said;
  said.by = DecidedBy::datagram;
  said.server = server->key();
  said.verdict =
      forwarder_.judge(*server, parsed, answer.decision.flowHash, /*isRelayed=*/false, now, services->tunables());
  return said;
}

// By the very code that handles them, on a copy, in the name of a worker whose counters and answers nobody gets.
Explanation Director::explainIcmp(const ParsedPacket& parsed, Tick now, uint32_t mark) {
  if (asking_ == nullptr) asking_ = std::make_unique<WorkerContext>();
  asking_->mark = mark;
  asking_->limits = {};
  std::vector<uint8_t> copy(kHeadroom + parsed.length + 64);
  std::copy(parsed.data, parsed.data + parsed.length, copy.begin() + kHeadroom);
  Packet packet{copy.data() + kHeadroom, parsed.length};
  ParsedPacket again;
  parsePacket(packet, again);
  OutputVector out;
  Explanation said;
  Pass pass{*asking_, control_.table(), now, out};
  said.verdict = icmp_.handle(pass, again, packet, 0, &said);
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
  const EndedSome some = connections_.endThoseOf(controlStats_, id.value(), cursor, holds);
  epochs_.leave(kControlReader);
  return some;
}

void Director::readCounters(std::span<uint64_t> sums) const {
  assert(sums.size() == kCounters);
  for (auto& sum : sums) sum = 0;
  for (const auto& worker : worker_) addTo(sums, worker->stats);
  addTo(sums, controlStats_);
}

}  // namespace tunvs
