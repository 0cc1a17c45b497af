#include "engine/engine.h"

#include "support/network_namespace.h"
#include "support/test_director.h"
#include "support/testing.h"

namespace tunvs {
namespace {

using testing::TestDirector;

EngineStartOptions onDevice(const std::string& egress, size_t queues = 1) {
  EngineStartOptions options;
  options.device.name = "tunvstest0";
  options.device.queues = queues;
  options.device.maxPacketBytes = 2048;
  options.egress = egress;
  return options;
}

bool hasDevice() { return std::system("ip link show tunvstest0 >/dev/null 2>&1") == 0; }

TEST("an engine starts and stops on its device as often as it is told to") {
  const bool isIsolated = testing::inNetworkNamespace([] {
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
  });
  if (!isIsolated) SKIP(testing::kNoNamespace);
}

TEST("an engine that can't start leaves no device behind and can be started afterwards") {
  const bool isIsolated = testing::inNetworkNamespace([] {
    auto engine = Engine::create(TestDirector::defaultOptions()).value();
    const auto refused = engine->start(onDevice("nosuch"));
    CHECK(!refused.ok());
    CHECK(!engine->isRunning());
    CHECK(!hasDevice());
    const auto started = engine->start(onDevice("auto"));
    CHECK(started.ok());
  });
  if (!isIsolated) SKIP(testing::kNoNamespace);
}

TEST("an engine ends its workers and its device when it is destroyed") {
  const bool isIsolated = testing::inNetworkNamespace([] {
    {
      auto engine = Engine::create(TestDirector::defaultOptions()).value();
      CHECK(engine->start(onDevice("tun")).ok());
    }
    CHECK(!hasDevice());
  });
  if (!isIsolated) SKIP(testing::kNoNamespace);
}

TEST("an engine with no memory for its table says how much it wanted") {
  const auto region = TableRegion::anonymous(size_t{1} << 60);
  REQUIRE(!region.ok());
  CHECK_EQ(region.error().syscall, "mmap");
  CHECK(region.error().message.find("MiB") != std::string::npos);
}

}  // namespace
}  // namespace tunvs
