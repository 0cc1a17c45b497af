#include "engine/engine.h"

#include <arpa/inet.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <filesystem>

#include "support/failing_threads.h"
#include "support/network_namespace.h"
#include "support/test_director.h"
#include "support/testing.h"

namespace tunvs::engine_test {
namespace {

using testing::TestDirector;

EngineStartOptions onDevice(const std::string& egress, size_t queues = 1) {
  EngineStartOptions options;
  options.port.device = "tunvstest0";
  options.port.queues = queues;
  options.port.maxPacketBytes = 2048;
  options.port.egress = egress;
  return options;
}

bool hasDevice(const std::string& name = "tunvstest0") {
  return std::system(("ip link show " + name + " >/dev/null 2>&1").c_str()) == 0;
}

// The options for the main device and one of each of these marks, with `queues` each.
EngineStartOptions withMarks(std::initializer_list<uint32_t> marks, size_t queues = 1) {
  EngineStartOptions options = onDevice("tun", queues);
  for (const uint32_t mark : marks) {
    MarkPort marked{options.port, mark};
    marked.port.device = "tunvsmark" + std::to_string(mark);
    options.markPorts.push_back(marked);
  }
  return options;
}

ServiceKey ofMark(uint32_t mark) {
  ServiceKey key;
  key.mark = mark;
  key.address.family = Family::ipv4;
  return key;
}

// Sends one datagram to 192.0.2.10:53, with a mark as one of the host's rules would set it.
void sendMarked(uint32_t mark) {
  UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  CHECK_EQ(setsockopt(socket.get(), SOL_SOCKET, SO_MARK, &mark, sizeof mark), 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(53);
  inet_pton(AF_INET, "192.0.2.10", &to.sin_addr);
  CHECK_EQ(sendto(socket.get(), "hello", 5, 0, reinterpret_cast<sockaddr*>(&to), sizeof to), 5);
}

TEST_IN_NAMESPACE("an engine starts and stops on its device as often as it is told to") {
  DirectorOptions options = TestDirector::defaultOptions();
  options.workers = 2;
  auto engine = Engine::create(options).value();
  CHECK(!engine->isRunning());
  for (int round = 0; round < 3; round++) {
    const auto started = engine->start(onDevice("tun", 2));
    if (!CHECK(started.ok())) return;
    CHECK_EQ(started->device, "tunvstest0");
    CHECK_EQ(started->egress, "tun");
    CHECK(!started->attached);
    CHECK(engine->isRunning());
    CHECK(hasDevice());
    CHECK_EQ(engine->cpu().size(), 2u);
    engine->stop();
    engine->stop();
    CHECK(!engine->isRunning());
    CHECK(!hasDevice());
  }
}

TEST_IN_NAMESPACE("an engine that can't start leaves no device behind and can be started afterwards") {
  auto engine = Engine::create(TestDirector::defaultOptions()).value();
  const auto refused = engine->start(onDevice("nosuch"));
  CHECK(!refused.ok());
  CHECK(!engine->isRunning());
  CHECK(!hasDevice());
  const auto started = engine->start(onDevice("auto"));
  CHECK(started.ok());
}

TEST_WITH_TUN(
    "what comes by the device of a mark is for that mark's service, what comes by the main one for the address's") {
  DirectorOptions options = TestDirector::defaultOptions();
  options.workers = 6;
  auto engine = Engine::create(options).value();
  const std::vector<ServiceKey> services = {TestDirector::kNames, ofMark(1), ofMark(4294967295)};
  for (const ServiceKey& service : services) {
    const std::vector<Operation> operations = {AddService{service, {"rr"}},
                                               AddServer{service, TestDirector::server(11, service), {}}};
    CHECK(engine->director().apply(operations).ok());
  }
  EngineStartOptions devices = withMarks({1, 2}, 2);
  devices.markPorts[1].mark = 4294967295;
  const auto started = engine->start(devices);
  if (!CHECK(started.ok())) return;
  REQUIRE(started->markDevices.size() == 2u);
  CHECK_EQ(started->markDevices[1].name, "tunvsmark2");
  CHECK(!started->markDevices[1].attached);
  CHECK_EQ(engine->cpu().size(), 6u);
  for (const char* command :
       {"ip address add 10.0.0.1/32 dev lo", "ip link set lo up", "ip link set tunvstest0 up",
        "ip link set tunvsmark1 up", "ip link set tunvsmark2 up", "ip route add 192.0.2.10 dev tunvstest0",
        "ip route add default dev tunvsmark1 table 8401", "ip route add default dev tunvsmark2 table 8402",
        "ip rule add fwmark 1 lookup 8401", "ip rule add fwmark 4294967295 lookup 8402"}) {
    testing::run(command);
  }
  for (const uint32_t mark : {0u, 1u, 1u, 4294967295u, 4294967295u, 4294967295u, 9u}) sendMarked(mark);
  const auto connections = [&] {
    std::vector<uint64_t> counts;
    for (const auto& row : engine->director().control().rows(0)) counts.push_back(row.traffic.connections);
    return counts;
  };
  CHECK(testing::eventually([&] { return connections() == std::vector<uint64_t>{2, 2, 3}; }));
  engine->stop();
  for (const char* name : {"tunvstest0", "tunvsmark1", "tunvsmark2"}) CHECK(!hasDevice(name));
}

TEST("a narrow route's MTU applies to its server by any egress, and to a server that comes later") {
  for (const char* egress : {"packet", "tun"}) {
    const bool isIsolated = testing::inNetworkNamespaceWithTun([egress] {
      REQUIRE(
          testing::run("ip link add va mtu 1400 type veth peer name vb && ip link set vb up && "
                       "ip addr add 10.0.0.1/24 dev va && ip link set va up && ip link set lo up"));
      auto engine = Engine::create(TestDirector::defaultOptions()).value();
      REQUIRE(engine->start(onDevice(egress)).ok());
      const std::vector<Operation> operations = {
          AddService{TestDirector::kWeb, {"rr"}},
          AddServer{TestDirector::kWeb, TestDirector::server(11, TestDirector::kWeb), {}}};
      REQUIRE(engine->director().apply(operations).ok());
      engine->watchRoutes();
      const auto becomes = [&](uint32_t bytes) {
        return testing::eventually([&] { return engine->director().control().rows(0)[0].servers[0].pathMtu == bytes; });
      };
      CHECK(becomes(1400));
      testing::run("ip route add 10.0.0.11 dev va mtu 1300");
      CHECK(becomes(1300));
      testing::run("ip route del 10.0.0.11 dev va");
      CHECK(becomes(1400));
      testing::run("ip link set va mtu 1500");
      CHECK(becomes(1500));
      engine->stop();
    });
    if (!isIsolated) SKIP(testing::kNoTun);
  }
}

TEST_WITH_TUN("an engine that can't open the device of a mark leaves none behind, and starts without the mark") {
  DirectorOptions options = TestDirector::defaultOptions();
  options.workers = 3;
  auto engine = Engine::create(options).value();
  testing::run("ip link add name tunvsmark2 type veth");
  const auto refused = engine->start(withMarks({1, 2}));
  REQUIRE(!refused.ok());
  CHECK(refused.error().message.find("tunvsmark2") != std::string::npos);
  CHECK(!engine->isRunning());
  CHECK(!hasDevice());
  CHECK(!hasDevice("tunvsmark1"));
  CHECK(engine->start(withMarks({1, 3})).ok());
}

TEST_IN_NAMESPACE("an engine ends its workers and its device when it is destroyed") {
  {
    auto engine = Engine::create(TestDirector::defaultOptions()).value();
    CHECK(engine->start(onDevice("tun")).ok());
  }
  CHECK(!hasDevice());
}

TEST("an engine with no memory for its table says how much it wanted") {
  const auto region = TableRegion::anonymous(size_t{1} << 60);
  REQUIRE(!region.ok());
  CHECK_EQ(region.error().syscall, "mmap");
  CHECK(region.error().message.find("MiB") != std::string::npos);
}

// The threads are two workers, and before them the one that watches the routes.
TEST_IN_NAMESPACE("an engine that can't create a thread undoes what was begun, and starts later") {
  DirectorOptions options = TestDirector::defaultOptions();
  options.workers = 2;
  auto engine = Engine::create(options).value();
  size_t failed = 0;
  for (int made = 0; made < 3; made++) {
    const testing::FailingThreads then(made);
    const auto started = engine->start(onDevice("tun", 2));
    if (started.ok()) {
      engine->stop();
      continue;
    }
    failed++;
    CHECK(testing::saysThreads(started.error()));
    CHECK(!engine->isRunning());
    CHECK(!hasDevice());
  }
  CHECK_EQ(failed, 3u);
  CHECK(engine->start(onDevice("tun", 2)).ok());
  engine->stop();
}

size_t countOf(const char* folder) {
  const auto entries = std::filesystem::directory_iterator(folder);
  return static_cast<size_t>(std::distance(begin(entries), end(entries)));
}

// Each step in turn finds no descriptor or no thread.
TEST_WITH_TUN(
    "an engine that fails half way leaves no descriptor and no thread behind, nor does one that starts and stops") {
  DirectorOptions options = TestDirector::defaultOptions();
  options.workers = 3;
  auto engine = Engine::create(options).value();
  for (const char* egress : {"packet", "tun"}) {
    EngineStartOptions devices = withMarks({1});
    devices.port.queues = 2;
    devices.port.egress = egress;
    const size_t descriptors = countOf("/proc/self/fd"), threads = countOf("/proc/self/task");
    size_t refused = 0, started = 0;
    const auto attempt = [&] {
      const bool isStarted = engine->start(devices).ok();
      (isStarted ? started : refused)++;
      CHECK_EQ(engine->isRunning(), isStarted);
      engine->stop();
    };
    rlimit before{};
    getrlimit(RLIMIT_NOFILE, &before);
    for (size_t more = 0; more < 40; more += 2) {
      const rlimit few{descriptors + more, before.rlim_max};
      setrlimit(RLIMIT_NOFILE, &few);
      attempt();
      setrlimit(RLIMIT_NOFILE, &before);
    }
    for (int made = 0; made < 6; made++) {
      const testing::FailingThreads then(made);
      attempt();
    }
    for (int times = 0; times < 5; times++) attempt();
    CHECK(refused > 5 && started > 10);
    CHECK_EQ(countOf("/proc/self/fd"), descriptors);
    CHECK_EQ(countOf("/proc/self/task"), threads);
    CHECK(!hasDevice() && !hasDevice("tunvsmark1"));
  }
}

}  // namespace
}  // namespace tunvs::engine_test
