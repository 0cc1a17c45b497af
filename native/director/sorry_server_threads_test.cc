// While workers open connections, health takes the only server out of the list and puts a sorry server in its place,
// and back, each time in one transaction: no packet meets an empty list.
#include "support/director_threads.h"

namespace tunvs::sorry_server_threads_test {
namespace {

using testing::HeldPacket;
using testing::PacketBuilder;
using testing::TestDirector;

TEST("no connection finds an empty list while a sorry server and the real one take turns") {
  constexpr size_t kWorkers = 2;
  DirectorOptions options = TestDirector::defaultOptions();
  options.workers = kWorkers;
  for (const char* scheduler : {"rr", "sh", "wlc"}) {
    TestDirector t(options);
    t.addService(scheduler);
    t.addServer(11);
    const auto turn = [&](uint8_t server, bool isIn) -> Operation {
      return EditServer{TestDirector::kWeb,
                        TestDirector::server(server),
                        {},
                        {.health = {.isUp = server == 12 || isIn, .isOut = !isIn, .onDown = OnDown::reset}}};
    };
    CHECK(t.apply(AddServer{TestDirector::kWeb, TestDirector::server(12), {}, {.health = {.isOut = true}}}).ok());
    testing::WorkerThreads workers(kWorkers, [&](size_t worker) {
      OutputVector out;
      for (uint32_t i = 0; i < 20000; i++) {
        const auto port = static_cast<uint16_t>(1024 + i % 5000);
        const uint8_t flags = i % 3 == 0 ? kTcpSyn : kTcpAck;
        HeldPacket held(
            PacketBuilder()
                .ip(IpAddress::v4(198, 51, 100, static_cast<uint8_t>(1 + worker)), TestDirector::kWeb.address)
                .tcp(port, 80, flags)
                .build());
        Packet packet = held.packet();
        t.director.process(worker, {&packet, 1}, 0, out);
      }
      t.director.leave(worker);
    });
    uint32_t turns = 0;
    for (bool isSorry = true; workers.areWorking(); isSorry = !isSorry, turns++) {
      CHECK(t.apply(turn(11, !isSorry), turn(12, isSorry)).ok());
      t.director.collect(0);
    }
    workers.join();
    CHECK(turns > 0);
    CHECK_EQ(t.counter("dropNoServer"), 0u);
    CHECK(t.counter("forwarded") > 0);
  }
}

}  // namespace
}  // namespace tunvs::sorry_server_threads_test
