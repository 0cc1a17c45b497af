#include "engine/loss_report.h"

#include "support/testing.h"

namespace tunvs::loss_report_test {
namespace {

TEST("lost packets are reported at once, then once a second, by reason and without leaving any out") {
  EventRing events;
  LossReport report(events);
  WorkerStats stats;
  Tick now = 1000;
  report.look(stats, now);
  CHECK(events.drain().empty());

  stats.egressNoRoute.add(3);
  stats.egressTooLong.add(1);
  report.look(stats, now);
  auto told = events.drain();
  REQUIRE(told.size() == 1);
  CHECK(told[0].type == EventType::packetsLost);
  CHECK_EQ(told[0].value, 4u);
  CHECK_EQ(
      told[0].message,
      "packets could not be sent: 3 (no route or no neighbour to the real server), 1 (longer than the path's MTU)");

  stats.egressFailed.add(1);
  report.look(stats, now + kTicksPerSecond - 1);
  CHECK(events.drain().empty());
  stats.egressNoBuffer.add(5);
  report.look(stats, now + kTicksPerSecond);
  told = events.drain();
  REQUIRE(told.size() == 1);
  CHECK_EQ(told[0].value, 6u);
  CHECK_EQ(told[0].message,
           "packets could not be sent: 5 (the socket's or device's queue was full), 1 (another error of the kernel)");
}

TEST("packets too long for the device, and ICMP errors that could not be read, are told apart") {
  EventRing events;
  LossReport report(events);
  WorkerStats stats;
  stats.oversized.add(2);
  report.errorsUnread(Error::make(ErrorCode::system, "could not read ICMP errors"));
  report.look(stats, 1);
  const auto told = events.drain();
  REQUIRE(told.size() == 2);
  CHECK(told[0].type == EventType::packetsTooLong);
  CHECK_EQ(told[0].value, 2u);
  CHECK(told[1].type == EventType::errorsUnread);
  CHECK_EQ(told[1].value, 1u);
  CHECK(told[1].message.starts_with("could not read ICMP errors"));
}

}  // namespace
}  // namespace tunvs::loss_report_test
