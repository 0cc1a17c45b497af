#include "engine/engine.h"

#include <algorithm>
#include <cerrno>

#include "engine/clock.h"
#include "io/os/allowed_cpus.h"
#include "io/route/netlink.h"

namespace tunvs {
namespace {

// This is 16,384 entries, or 2 ms of the event loop.
constexpr size_t kHoldsPerTurn = 64;

}  // namespace

Result<Engine::Memory> Engine::memoryFor(const DirectorOptions& options, FastPathWish wish,
                                         const std::string& stateFolder) {
  Memory memory{nullptr, std::nullopt, std::nullopt, "it is off"};
  if (!stateFolder.empty()) {
    const Error both =
        Error::make(ErrorCode::unsupported,
                    "the fast path reads the tables in the kernel's memory, and with a state they lie in "
                    "a file; choose one of the two");
    if (wish == FastPathWish::required) return both;
    if (wish == FastPathWish::automatic) memory.fastReason = both.message;
    auto state = StateFile::open(stateFolder, options);
    if (!state) return state.error();
    memory.state.emplace(std::move(state).value());
    return memory;
  }
  const size_t bytes = Director::tableBytes(options);
  if (wish != FastPathWish::off) {
    auto made = FastPath::create(bytes);
    if (!made && wish == FastPathWish::required) return made.error();
    memory.fastReason = made ? "" : made.error().message;
    if (made) memory.fast = std::move(made).value();
  }
  auto region = memory.fast != nullptr ? TableRegion::of(memory.fast->table())
                                       : TableRegion::anonymous(bytes, TableRegion::Pages::small);
  if (!region) return region.error();
  memory.region.emplace(std::move(region).value());
  return memory;
}

Result<std::unique_ptr<Engine>> Engine::create(const DirectorOptions& options, FastPathWish wish,
                                               const std::string& stateFolder) {
  DirectorOptions withClock = options;
  withClock.now = coarseNow();
  withClock.holdsPerTurn = kHoldsPerTurn;
  auto memory = memoryFor(withClock, wish, stateFolder);
  if (!memory) return memory.error();
  std::unique_ptr<Engine> engine(new Engine(std::move(memory).value(), withClock));
  engine->wish_ = wish;
  if (engine->fast_ == nullptr) return engine;
  auto loaded = engine->fast_->load(*engine->director_);
  if (!loaded && wish == FastPathWish::required) return loaded.error();
  if (!loaded) engine->fastReason_ = loaded.error().message;
  return engine;
}

Engine::Engine(Memory memory, const DirectorOptions& options)
    : fast_(std::move(memory.fast)),
      fastReason_(std::move(memory.fastReason)),
      state_(std::move(memory.state)),
      region_(std::move(memory.region)),
      director_(std::make_unique<Director>(options, state_ ? state_->memory() : Director::Memory{region_->span()})),
      policies_(options.workers) {
  if (options.settings.v4) sources_.push_back(options.settings.v4->base);
  if (options.settings.v6) sources_.push_back(options.settings.v6->base);
}

Engine::~Engine() {
  stopMaster();
  stopBackup();
  stop();
}

Result<void> Engine::startMaster(const SyncOptions& options) {
  if (master_ != nullptr) return Error::make(ErrorCode::exists, "the director is a master of connection sync already");
  auto opened = SyncMaster::open(*director_, options);
  if (!opened) return opened.error();
  master_ = std::move(opened).value();
  refreshSync();
  syncBell_.hang(master_.get());
  return {};
}

Result<void> Engine::startBackup(const SyncOptions& options) {
  if (backup_ != nullptr) return Error::make(ErrorCode::exists, "the director is a backup of connection sync already");
  auto opened = SyncBackup::open(*director_, options);
  if (!opened) return opened.error();
  backup_ = std::move(opened).value();
  return {};
}

bool Engine::stopMaster() {
  syncBell_.hang(nullptr);
  return std::exchange(master_, nullptr) != nullptr;
}

bool Engine::stopBackup() { return std::exchange(backup_, nullptr) != nullptr; }

void Engine::refreshSync() {
  if (master_ != nullptr) master_->setQueueMax(static_cast<size_t>(director_->control().tunables().syncQlenMax));
}

Result<EngineStarted> Engine::start(const EngineStartOptions& options) {
  assert(!isRunning());
  if (auto allowed = checkCpus(options.cpus); !allowed) return allowed.error();
  EngineStarted started;
  PortContext context;
  context.egress.bypassesQdisc = options.bypassesQdisc;
  context.egress.sources = sources_;
  if (auto routes = NextHopResolver::start(sources_)) {
    context.egress.resolver = std::move(routes).value();
  } else {
    started.warnings.push_back(routes.error().message +
                               "; so MTUs of links and routes below the director's path MTU are not noticed");
  }
  std::vector<MarkedPort> ports;
  auto main = openPort(options.port, context);
  if (!main) return main.error();
  started.device = main.value()->name();
  started.attached = main.value()->attached();
  started.steering = main.value()->steering();
  started.egress = main.value()->egress();
  started.passedOver = std::move(context.passedOver);
  started.offloads = main.value()->offloads();
  context.main = main.value().get();
  ports.push_back({std::move(main).value(), 0});
  for (const MarkPort& marked : options.markPorts) {
    auto opened = openPort(marked.port, context);
    if (!opened) return opened.error();
    started.markDevices.push_back({opened.value()->name(), opened.value()->attached()});
    ports.push_back({std::move(opened).value(), marked.mark});
  }
  for (const PortOptions& ring : options.rings) {
    auto opened = openPort(ring, context);
    if (!opened) return opened.error();
    ports.push_back({std::move(opened).value(), 0, /*isRing=*/true});
  }
  routes_ = std::move(context.egress.resolver);
  watchRoutes();
  if (auto made = makeWorkers(std::move(ports), options, openErrorQueues(started)); !made) return made.error();
  if (!options.isHeld) {
    if (auto running = startWorkers(); !running) return running.error();
  }
  if (auto fast = startFastPath(started, options); !fast) {
    stop();
    return fast.error();
  }
  if (state_) state_->beginMoving();
  return started;
}

Result<void> Engine::startFastPath(const EngineStarted& started, const EngineStartOptions& options) {
  if (fast_ == nullptr || !fast_->isLoaded()) return {};
  Result<void> running;
  if (started.egress != "packet") {
    running = Error::make(ErrorCode::unsupported,
                          "the fast path sends frames, as the egress 'packet' does, and this director uses '" +
                              started.egress + "', which leaves more to the kernel; open it with egress 'packet'");
  } else if (routes_ == nullptr) {
    running = Error::make(ErrorCode::unsupported, "the fast path needs the routes to the real servers");
  } else {
    std::vector<std::string> devices{started.device};
    for (const StartedDevice& marked : started.markDevices) devices.push_back(marked.name);
    running = fast_->start(devices, options.fastIngress, routes_);
  }
  if (!running && wish_ == FastPathWish::required) return running;
  fastReason_ = running ? "" : running.error().message;
  return {};
}

FastPathState Engine::fastPath() const {
  FastPathState state{false, fastReason_, {}};
  if (!fastReason_.empty()) return state;
  state.hooks = fast_->hooks();
  state.isInForce = true;
  for (const TcHook& hook : state.hooks) {
    if (hook.isAttached) continue;
    state.reason = hook.reason;
    if (!hook.isIngress) state.isInForce = false;
  }
  return state;
}

void Engine::setRingPrefixes(const std::vector<AddressPrefix>& prefixes) {
  for (const MarkedPort& port : ports_) {
    if (port.isRing) port.port->setPrefixes(prefixes);
  }
}

std::vector<RingState> Engine::lookAtRings() {
  std::vector<RingState> states;
  for (const MarkedPort& port : ports_) {
    if (!port.isRing) continue;
    PortState state = port.port->look();
    if (state.wasRenewed) {
      for (auto& worker : workers_) worker->wake();
    }
    states.push_back({port.port->name(), std::move(state)});
  }
  return states;
}

Result<void> Engine::startOn(std::unique_ptr<Port> port) {
  assert(!isRunning());
  std::vector<MarkedPort> ports;
  ports.push_back({std::move(port), 0});
  if (auto made = makeWorkers(std::move(ports), /*options=*/{}, /*errors=*/{}); !made) return made.error();
  return startWorkers();
}

// Makes all workers or none; if none, the ports go as well.
Result<void> Engine::makeWorkers(std::vector<MarkedPort> ports, const EngineStartOptions& options, ErrorQueues errors) {
  ports_ = std::move(ports);
  cpus_ = options.cpus;
  std::function<void()> narrowPath;
  if (fast_ != nullptr) narrowPath = [fast = fast_.get()] { fast->hurry(); };
  for (const MarkedPort& marked : ports_) {
    Port& port = *marked.port;
    for (size_t i = 0; i < port.queueCount(); i++) {
      const size_t index = workers_.size();
      const bool isFirst = index == 0;
      assert(index < director_->workers());
      auto worker = Worker::create(Worker::Parts{*director_, index, port.queue(i), port.maxPacketBytes(), events_,
                                                 options.busyPollUs, isFirst ? std::move(errors) : ErrorQueues{},
                                                 &policies_.channel(index), narrowPath, isFirst ? routes_ : nullptr,
                                                 [this] { syncBell_.ring(); }});
      if (!worker) {
        stop();
        return worker.error();
      }
      director_->setMark(index, marked.mark);
      workers_.push_back(std::move(worker).value());
    }
  }
  assert(workers_.size() == director_->workers());
  return {};
}

// Starts all workers or none; if none, the ports go as well.
Result<void> Engine::startWorkers() {
  for (size_t i = 0; i < workers_.size(); i++) {
    auto started = workers_[i]->start();
    if (started && !cpus_.empty()) started = workers_[i]->pin(cpus_[i % cpus_.size()]);
    if (started) continue;
    stop();
    return started;
  }
  return {};
}

void Engine::watchRoutes() {
  if (routes_ == nullptr) return;
  std::vector<IpAddress> servers;
  for (const auto& service : director_->control().table()->services()) {
    for (const auto& server : service->owned) {
      if (server->traits->hasPath()) servers.push_back(server->address);
    }
  }
  routes_->setServers(servers);
}

// Without error queues the director still runs, but learns no path MTUs by itself.
Engine::ErrorQueues Engine::openErrorQueues(EngineStarted& started) const {
  ErrorQueues queues;
  for (const IpAddress& source : sources_) {
    auto queue = IcmpQueue::open(source);
    if (queue) {
      queues.push_back(std::move(queue).value());
    } else if (queue.error().errnoValue != EADDRNOTAVAIL) {
      // The caller warns of an address that is not the host's own. Errors to a range come by the device.
      started.warnings.push_back("ICMP errors to " + toString(source) +
                                 " cannot be read, so path MTUs are not learned: " + queue.error().message);
    }
  }
  return queues;
}

Result<void> Engine::checkDirectRouting(const IpAddress& server) const {
  if (isRunning() && ports_[0].port->egress() != "packet") {
    return Error::make(ErrorCode::unsupported, "direct routing needs the egress 'packet', and this director uses '" +
                                                   std::string(ports_[0].port->egress()) +
                                                   "'; open it with egress 'packet' (which needs CAP_NET_RAW)");
  }
  auto netlink = Netlink::open();
  if (!netlink) return netlink.error();
  auto route = netlink.value()->route(server);
  if (!route) return route.error();
  const char* why = nullptr;
  if (route->kind == RouteAnswer::Kind::local) why = "it is an address of this host";
  if (route->kind == RouteAnswer::Kind::other) why = "there is no route to it";
  if (route->gateway) why = "it is behind a gateway";
  if (why == nullptr) return {};
  return Error::make(ErrorCode::invalidArgument,
                     "direct routing can't reach " + toString(server) + ": " + why +
                         "; it has to be on a link of this host (forward by a tunnel instead)");
}

Result<void> Engine::resume() { return startWorkers(); }

void Engine::hold() {
  for (auto& worker : workers_) worker->stop();
  for (auto& worker : workers_) worker->join();
  workers_.clear();
  for (MarkedPort& marked : ports_) marked.port->leave();
  if (state_) state_->giveUp();
}

std::vector<std::vector<int>> Engine::deviceQueues() const {
  std::vector<std::vector<int>> all;
  for (const MarkedPort& marked : ports_) {
    if (marked.isRing) continue;
    auto& queues = all.emplace_back();
    for (size_t i = 0; i < marked.port->queueCount(); i++) queues.push_back(marked.port->tunDescriptor(i));
  }
  return all;
}

void Engine::stop() {
  if (fast_ != nullptr) fast_->stop();
  for (auto& worker : workers_) worker->stop();
  for (auto& worker : workers_) worker->join();
  workers_.clear();
  routes_.reset();
  ports_.clear();
}

std::vector<CpuTime> Engine::cpu() const {
  std::vector<CpuTime> times;
  for (const auto& worker : workers_) times.push_back(worker->cpu());
  return times;
}

std::vector<bool> Engine::workersTurned() {
  std::vector<bool> turned;
  for (const auto& worker : workers_) turned.push_back(worker->hasTurned());
  return turned;
}

}  // namespace tunvs
