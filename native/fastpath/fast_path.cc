#include "fastpath/fast_path.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>

#include "fastpath/fast_program.h"
#include "fastpath/rcu_barrier.h"
#include "io/os/coarse_clock.h"
#include "io/os/possible_cpus.h"
#include "io/tc/tc_names.h"

namespace tunvs {
namespace {

// How soon the thread looks again: when somebody waits for the program, while packets come by it, and when none do.
constexpr int kHurriedMs = 1, kBusyMs = 20, kIdleMs = 250;
// How often it looks at next hops and path MTUs.
constexpr uint64_t kRefreshMs = 50;
// How long it waits closely for next hops to be resolved.
constexpr uint64_t kResolvingMs = 2000;
// How often it looks whether the program is attached.
constexpr uint64_t kMendMs = 1000;
constexpr unsigned kThoroughMends = 10;  // one in so many looks closely
constexpr size_t kLineBytes = 64;
const std::string kOwner = "the fast path";

Tick now() { return ticksFromMs(coarseNowMs()); }

void putShape(FastConstants& constants, const ConnRegion& region, const std::byte* base, int buckets, int lines,
              int first, int bucketsLine, int connsLine) {
  const ConnRegion::Shape shape = region.shape();
  const auto start = static_cast<uint64_t>(region.memory().data() - base);
  constants[static_cast<size_t>(buckets)] = shape.shardBuckets;
  constants[static_cast<size_t>(lines)] = shape.shardBytes / kLineBytes;
  constants[static_cast<size_t>(first)] = (start + shape.firstShard) / kLineBytes;
  constants[static_cast<size_t>(bucketsLine)] = shape.buckets / kLineBytes;
  constants[static_cast<size_t>(connsLine)] = shape.conns / kLineBytes;
  constants[kFastShards] = shape.shards;
  for (size_t i = 0; i < 6; i++) constants[kFastSecret + i] = shape.secret.words[i];
  constants[kFastFinish] = shape.secret.finish;
}

}  // namespace

Result<std::unique_ptr<FastPath>> FastPath::create(size_t tableBytes) {
  if (auto waited = waitForPrograms(); !waited) return waited.error();
  // Before the memory is taken: without this there is no use for it.
  const auto way = findTcWay(kOwner);
  if (!way) return way.error();
  const uint32_t cpus = possibleCpus();
  auto region = BpfArray<Line>::make(kOwner + "'s connection table",
                                     static_cast<uint32_t>((tableBytes + kLineBytes - 1) / kLineBytes));
  if (!region) return region.error();
  auto servers = BpfArray<FastServer>::make(kOwner + "'s real servers", kFastMaxServers);
  if (!servers) return servers.error();
  auto sources = BpfArray<FastSource>::make(kOwner + "'s sources", kFastMaxSources);
  if (!sources) return sources.error();
  auto tallies = BpfArray<FastTally>::make(kOwner + "'s tallies", kFastMaxServers * cpus);
  if (!tallies) return tallies.error();
  auto counts = BpfArray<FastCounts>::make(kOwner + "'s counts", cpus);
  if (!counts) return counts.error();
  auto state = BpfArray<FastState>::make(kOwner + "'s state", 1);
  if (!state) return state.error();
  UniqueFd hurries(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!hurries) return Error::fromErrno(errno, "eventfd", "can't start the fast path's keeper");
  auto life = LifeLine::make(kOwner);
  if (!life) return life.error();
  return std::unique_ptr<FastPath>(new FastPath(std::move(region).value(), std::move(servers).value(),
                                                std::move(sources).value(), std::move(tallies).value(),
                                                std::move(counts).value(), std::move(state).value(),
                                                std::move(life).value(), std::move(hurries), cpus, way.value()));
}

FastPath::FastPath(BpfArray<Line> region, BpfArray<FastServer> servers, BpfArray<FastSource> sources,
                   BpfArray<FastTally> tallies, BpfArray<FastCounts> counts, BpfArray<FastState> state, LifeLine life,
                   UniqueFd hurries, size_t cpus, TcWay way)
    : region_(std::move(region)),
      serverMap_(std::move(servers)),
      sourceMap_(std::move(sources)),
      tallyMap_(std::move(tallies)),
      countMap_(std::move(counts)),
      stateMap_(std::move(state)),
      life_(std::move(life)),
      table_(std::as_writable_bytes(region_.lines())),
      cpus_(cpus),
      hooks_(kOwner, kFastPathName, way, [this](TcPlace place) { return loadFor(place); }),
      hurries_(std::move(hurries)),
      servers_(serverMap_.lines(), waitForPrograms) {}

FastPath::~FastPath() { stop(); }

Result<UniqueFd> FastPath::loadFor(TcPlace place) {
  const Director& director = *director_;
  FastConstants constants{};
  putShape(constants, director.connTable(Family::ipv4).region(), table_.data(), kFastShardBuckets4, kFastShardLines4,
           kFastFirstLine4, kFastBucketsLine4, kFastConnsLine4);
  putShape(constants, director.connTable(Family::ipv6).region(), table_.data(), kFastShardBuckets6, kFastShardLines6,
           kFastFirstLine6, kFastBucketsLine6, kFastConnsLine6);
  constants[kFastCpus] = cpus_;
  constants[kFastLinkBytes] = place.linkBytes;
  constants[kFastMayOutlive] = hooks_.mayOutliveUs() ? 1 : 0;
  constants[kFastIngress] = place.isIngress ? 1 : 0;
  const FastMapDescriptors maps{region_.descriptor(),   serverMap_.descriptor(), sourceMap_.descriptor(),
                                tallyMap_.descriptor(), countMap_.descriptor(),  stateMap_.descriptor(),
                                life_.descriptor()};
  return loadTcProgram(kOwner, kFastPathName, fastProgram(constants, maps));
}

Result<void> FastPath::load(Director& director, TcPlace place) {
  director_ = &director;
  const auto loaded = hooks_.program(place);
  if (!loaded) return loaded.error();
  program_ = loaded.value();
  for (size_t i = 0; i < kFastMaxSources; i++) sourceMap_.lines()[i] = fastSource(director.settings(), i);
  const auto tallies = tallyMap_.lines();
  director.joinKernel({{reinterpret_cast<KernelTally*>(tallies.data()), tallies.size()}, cpus_},
                      [this] { return counts(); });
  return {};
}

Result<void> FastPath::start(std::span<const std::string> egress, std::span<const std::string> ingress,
                             std::shared_ptr<NextHopResolver> resolver) {
  resolver->resolveNeighbours();
  setNextHops([resolver](const IpAddress& address) { return resolver->find(address); });
  announced_ = director_->kernelEpoch();
  director_->passKernelEpoch(announced_);
  refresh();
  Result<void> outcome;
  for (const auto& [devices, isIngress] : {std::pair(egress, false), std::pair(ingress, true)}) {
    for (const std::string& device : devices) {
      if (outcome) outcome = hooks_.attach(device, isIngress);
    }
  }
  if (outcome) {
    director_->setHandingOver(true);
    outcome = startKeeper();
  }
  if (!outcome) stop();
  return outcome;
}

Result<void> FastPath::startKeeper() {
  auto made = LoopThread::make("can't start the fast path's keeper");
  if (!made) return made.error();
  loop_ = std::move(made).value();
  return loop_->start("tunvs/fast", [this] { run(); });
}

void FastPath::stop() {
  if (!nextHops_) return;
  if (loop_ != nullptr) {
    loop_->stop();
    loop_->join();
    loop_.reset();
  }
  director_->setHandingOver(false);
  hooks_.clear();
  servers_.clear();
  // The table stays, so nobody may use it in the kernel when somebody reuses it here. Without an answer the epoch stays
  // as it is, and what was handed over is not used again.
  if (waitForPrograms()) director_->leaveKernel();
  const std::lock_guard guard(lock_);
  nextHops_ = nullptr;
}

void FastPath::refresh() {
  const std::lock_guard guard(lock_);
  if (director_ == nullptr || !nextHops_) return;
  life_.extend();
  const Tick time = now();
  wanted_.clear();
  size_t lacking = 0;
  director_->eachServer(kFastMaxServers, [&](const ServerView* view, const Tunables& tunables) {
    const bool isUsed = view != nullptr && view->carries;
    const auto hop = isUsed && view->suitsKernel ? nextHops_(view->address) : std::nullopt;
    if (isUsed && view->suitsKernel && !hop) lacking++;
    wanted_.push_back(isUsed ? fastServer(*view, hop, director_->settings(), tunables, time) : FastServer{});
  });
  // Some are never resolved, as those behind links without Ethernet addresses.
  if (std::exchange(lacking_, lacking) != lacking) lackingUntilMs_ = coarseNowMs() + kResolvingMs;
  servers_.set(wanted_);
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    auto& isNearlyFull = stateMap_.lines()[0].isNearlyFull[family == Family::ipv4 ? 0 : 1];
    std::atomic_ref(isNearlyFull).store(director_->isNearlyFull(family) ? 1 : 0, std::memory_order_relaxed);
  }
}

bool FastPath::lacksHops() {
  const std::lock_guard guard(lock_);
  return lacking_ != 0 && coarseNowMs() < lackingUntilMs_;
}

void FastPath::hurry() {
  const uint64_t one = 1;
  (void)!::write(hurries_.get(), &one, sizeof one);  // a full counter hurries as well
}

// The program reads no connection for longer than it runs.
void FastPath::announce() {
  const uint64_t epoch = director_->kernelEpoch();
  if (epoch == announced_ || !waitForPrograms()) return;
  director_->passKernelEpoch(epoch);
  announced_ = epoch;
}

void FastPath::run() {
  bool waits = false;  // for next hops
  uint64_t refreshedMs = 0, mendedMs = coarseNowMs(), packets = 0;
  unsigned mends = 0;
  while (!loop_->isStopping()) {
    life_.extend();
    const bool hurries = director_->kernelHurries();
    announce();
    uint64_t asked = 0;
    const bool isAsked = ::read(hurries_.get(), &asked, sizeof asked) > 0;
    if (const uint64_t time = coarseNowMs(); isAsked || waits || time - refreshedMs >= kRefreshMs) {
      refreshedMs = time;
      refresh();
      waits = lacksHops();
      if (time - mendedMs >= kMendMs) {
        mendedMs = time;
        hooks_.mend(++mends % kThoroughMends == 0 ? TcHooks::Look::thorough : TcHooks::Look::quick);
      }
    }
    const bool goesOn = std::exchange(packets, counts().sent.packets) != packets;
    pollfd wait[] = {{loop_->descriptor(), POLLIN, 0}, {hurries_.get(), POLLIN, 0}};
    ::poll(wait, std::size(wait), hurries ? kHurriedMs : goesOn || waits ? kBusyMs : kIdleMs);
    if (!loop_->isStopping()) loop_->clear();
  }
}

KernelSums FastPath::counts() const {
  KernelSums sum;
  for (const FastCounts& each : countMap_.lines()) {
    const auto read = [](const FastU64& from) { return __atomic_load_n(&from, __ATOMIC_RELAXED); };
    sum.sent.packets += read(each.total.packets);
    sum.sent.bytes += read(each.total.bytes);
    for (size_t i = 0; i < kFastReasons; i++) sum.reasons[i] += read(each.reasons[i]);
  }
  return sum;
}

}  // namespace tunvs
