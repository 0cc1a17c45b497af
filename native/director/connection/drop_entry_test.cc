#include "director/connection/drop_entry.h"

#include "director/protocol/protocols.h"
#include "director/protocol/sctp_state.h"
#include "director/protocol/tcp_state.h"
#include "support/test_table.h"
#include "support/testing.h"

namespace tunvs::drop_entry_test {
namespace {

using testing::numberedKey;
using testing::TestTable;

constexpr uint32_t kIdle = ticksFromSeconds(60);

// An entry whose every part is given.
class TestEntry {
 public:
  TestEntry(uint8_t protocol, uint8_t state, uint32_t packets, FlowKind kind = FlowKind::connection) {
    FlowKey key = numberedKey(1, Family::ipv4, protocol);
    key.tail = FlowKey::makeTail(key.ports(), protocol, kind);
    conn_ = t_.insert(key, 1000);
    conn_->state.store(state);
    conn_->packets.store(packets);
  }
  Conn& conn() { return *conn_; }
  bool goes(uint32_t idleTicks = kIdle) {
    DropEntry entries(1, 0);
    return entries.mayDrop(*conn_, idleTicks);
  }

 private:
  TestTable t_;
  Conn* conn_;
};

TEST("lets half-open TCP go at once, established TCP when it is spent, and no other") {
  for (size_t state = 0; state < kTcpStates; state++) {
    const auto named = static_cast<TcpState>(state);
    const bool isHalfOpen = named == TcpState::synRecv || named == TcpState::synAck;
    TestEntry entry(kTcpProtocol, static_cast<uint8_t>(state), 1);
    CHECK_EQ(entry.goes(0), isHalfOpen);
    CHECK_EQ(entry.goes(kIdle), isHalfOpen || named == TcpState::established);
  }
}

TEST("lets half-open SCTP go at once, established SCTP when it is spent, and no other") {
  for (size_t state = 0; state < kSctpStates; state++) {
    const auto named = static_cast<SctpState>(state);
    const bool isHalfOpen = named == SctpState::init1 || named == SctpState::init;
    TestEntry entry(kSctpProtocol, static_cast<uint8_t>(state), 1);
    CHECK_EQ(entry.goes(0), isHalfOpen);
    CHECK_EQ(entry.goes(kIdle), isHalfOpen || named == SctpState::established);
  }
}

TEST("counts as spent what was idle for 60 s and had 1 to 8 packets") {
  for (uint32_t packets = 0; packets <= 12; packets++) {
    TestEntry entry(kUdpProtocol, 0, packets);
    CHECK_EQ(entry.goes(kIdle), packets >= 1 && packets <= 8);
    CHECK(!entry.goes(kIdle - 1));
    CHECK(!entry.goes(0));
  }
  TestEntry wrapped(kUdpProtocol, 0, UINT32_MAX);
  CHECK(!wrapped.goes());
}

TEST("lets go one in n of the spent ones with n packets") {
  for (uint32_t packets = 1; packets <= 8; packets++) {
    TestEntry entry(kUdpProtocol, 0, packets);
    DropEntry entries(1, 0);
    for (uint32_t i = 0; i < 3 * packets; i++) CHECK_EQ(entries.mayDrop(entry.conn(), kIdle), i % packets == 0);
  }
}

TEST("lets a template go that nothing counts on and that never had an established connection") {
  for (const FlowKind kind : {FlowKind::persistence, FlowKind::rangePersistence}) {
    for (const uint32_t controlled : {0u, 1u, 7u}) {
      for (const uint8_t state : {0, 1}) {
        TestEntry entry(kTcpProtocol, state, 0, kind);
        entry.conn().control.store(controlled);
        CHECK_EQ(DropEntry::mayDropTemplate(entry.conn(), false), controlled == 0 && state == 0);
        CHECK(!DropEntry::mayDropTemplate(entry.conn(), /*isOnePacket=*/true));
      }
    }
  }
}

TEST("reads the number in a connection's entry as its controller, not as a count of what it controls") {
  TestEntry entry(kTcpProtocol, static_cast<uint8_t>(TcpState::synRecv), 1);
  entry.conn().control.store(9);
  CHECK(entry.goes(0));
}

TEST("counts the time between rounds, up to one round of the table") {
  const Tick start = UINT32_MAX - 10;
  DropEntry entries(1, start);
  CHECK_EQ(entries.elapsed(start), 0u);
  CHECK_EQ(entries.elapsed(start + 16), 16u);
  CHECK_EQ(entries.elapsed(start + 17), 1u);
  CHECK_EQ(entries.elapsed(start + 17 + ticksFromSeconds(1000)), ticksFromSeconds(32));
}

}  // namespace
}  // namespace tunvs::drop_entry_test
