#include "engine/engine.h"

#include <algorithm>
#include <cerrno>

#include "engine/clock.h"
#include "io/route/netlink.h"
#include "io/tun/tun_egress.h"

namespace tunvs {
namespace {

// A queue, and the mark of what is read from it.
struct Source {
  DeviceQueue& queue;
  uint32_t mark;
};

std::vector<Source> queuesOf(TunDevice& device, uint32_t mark) {
  std::vector<Source> queues;
  for (size_t i = 0; i < device.queueCount(); i++) queues.push_back({device.queue(i), mark});
  return queues;
}

// 16,384 entries, 2 ms of the event loop.
constexpr size_t kHoldsPerTurn = 64;

}  // namespace

Result<std::unique_ptr<Engine>> Engine::create(const DirectorOptions& options) {
  auto region = TableRegion::anonymous(Director::tableBytes(options));
  if (!region) return region.error();
  DirectorOptions withClock = options;
  withClock.now = coarseNow();
  withClock.holdsPerTurn = kHoldsPerTurn;
  return std::unique_ptr<Engine>(new Engine(std::move(region).value(), withClock));
}

Engine::Engine(TableRegion region, const DirectorOptions& options)
    : region_(std::move(region)),
      director_(std::make_unique<Director>(options, region_.span())),
      policies_(options.workers) {
  if (options.settings.v4) sources_.push_back(options.settings.v4->base);
  if (options.settings.v6) sources_.push_back(options.settings.v6->base);
}

Engine::~Engine() { stop(); }

Result<EngineStarted> Engine::start(const EngineStartOptions& options) {
  assert(!isRunning());
  auto device = TunDevice::open(options.device);
  if (!device) return device.error();
  EngineStarted started;
  started.device = device.value()->name();
  started.attached = device.value()->attached();
  std::vector<Source> queues = queuesOf(*device.value(), 0);
  std::vector<std::unique_ptr<TunDevice>> markDevices;
  for (const MarkDevice& marked : options.markDevices) {
    auto opened = TunDevice::open(marked.device);
    if (!opened) return opened.error();
    started.markDevices.push_back({opened.value()->name(), opened.value()->attached()});
    for (const Source& source : queuesOf(*opened.value(), marked.mark)) queues.push_back(source);
    markDevices.push_back(std::move(opened).value());
  }
  assert(queues.size() == director_->workers());
  std::vector<std::unique_ptr<Worker>> workers;
  EgressContext context;
  context.sources = sources_;
  if (auto routes = NextHopResolver::start(sources_)) {
    context.resolver = std::move(routes).value();
  } else {
    started.warnings.push_back(routes.error().message +
                               "; so MTUs of links and routes below the director's path MTU are not noticed");
  }
  for (size_t i = 0; i < queues.size(); i++) {
    std::vector<PassedOver> passedOver;
    // What is written comes out of the main device whatever it came by, so that the host's rules need to know one.
    const int written = device.value()->descriptor(i % device.value()->queueCount());
    context.tunDescriptor = written;
    // All workers send the same way: what the first found by trying, the others take by name.
    auto egress = openEgress(i == 0 ? std::string_view(options.egress) : started.egress, context, &passedOver);
    if (!egress) return egress.error();
    if (i == 0) {
      started.egress = egress.value()->name();
      started.passedOver = std::move(passedOver);
    }
    auto host = std::make_unique<TunEgress>(written);
    auto worker = Worker::create(Worker::Parts{*director_, i, queues[i].queue, std::move(egress).value(),
                                               std::move(host), options.device.maxPacketBytes, events_,
                                               options.busyPollUs, i == 0 ? openErrorQueues(started) : ErrorQueues{},
                                               &policies_.channel(i), i == 0 ? context.resolver : nullptr});
    if (!worker) return worker.error();
    director_->setMark(i, queues[i].mark);
    workers.push_back(std::move(worker).value());
  }
  markDevices_ = std::move(markDevices);
  device_ = std::move(device).value();
  egress_ = started.egress;
  routes_ = std::move(context.resolver);
  workers_ = std::move(workers);
  watchRoutes();
  if (auto running = startWorkers(); !running) return running.error();
  return started;
}

Result<void> Engine::startOn(std::unique_ptr<Device> device,
                             const std::function<std::unique_ptr<Egress>()>& makeEgress) {
  assert(!isRunning() && device->queueCount() == director_->workers());
  std::vector<std::unique_ptr<Worker>> workers;
  for (size_t i = 0; i < device->queueCount(); i++) {
    auto worker = Worker::create(Worker::Parts{*director_, i, device->queue(i), makeEgress(), makeEgress(),
                                               device->maxPacketBytes(), events_, /*busyPollUs=*/0, /*errors=*/{},
                                               &policies_.channel(i)});
    if (!worker) return worker.error();
    workers.push_back(std::move(worker).value());
  }
  device_ = std::move(device);
  workers_ = std::move(workers);
  return startWorkers();
}

// All of them, or none: then the devices go as well.
Result<void> Engine::startWorkers() {
  for (auto& worker : workers_) {
    auto started = worker->start();
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

// Without them the director runs all the same, but learns no path MTUs by itself.
Engine::ErrorQueues Engine::openErrorQueues(EngineStarted& started) const {
  ErrorQueues queues;
  for (const IpAddress& source : sources_) {
    auto queue = IcmpQueue::open(source);
    if (queue) {
      queues.push_back(std::move(queue).value());
    } else if (queue.error().errnoValue != EADDRNOTAVAIL) {
      // An address that is not the host's own is the caller's to warn of; the errors to a range come by the device.
      started.warnings.push_back("ICMP errors to " + toString(source) +
                                 " cannot be read, so path MTUs are not learned: " + queue.error().message);
    }
  }
  return queues;
}

Result<void> Engine::checkDirectRouting(const IpAddress& server) const {
  if (isRunning() && egress_ != "packet") {
    return Error::make(ErrorCode::unsupported, "direct routing needs the egress 'packet', and this director uses '" +
                                                   egress_ +
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

void Engine::stop() {
  for (auto& worker : workers_) worker->stop();
  for (auto& worker : workers_) worker->join();
  workers_.clear();
  routes_.reset();
  markDevices_.clear();
  device_.reset();
}

std::vector<CpuTime> Engine::cpu() const {
  std::vector<CpuTime> times;
  for (const auto& worker : workers_) times.push_back(worker->cpu());
  return times;
}

}  // namespace tunvs
