#include "director/config/server_pool.h"

#include <set>

#include "support/testing.h"

namespace tunvs::server_pool_test {
namespace {

TEST("hands out each id once, until it is given back") {
  ServerPool pool(2);
  std::set<uint32_t> ids;
  for (int i = 0; i < 1000; i++) CHECK(ids.insert(pool.add().value()).second);
  pool.release(17);
  CHECK_EQ(pool.add().value(), 17u);
  CHECK(ids.insert(pool.add().value()).second);
}

TEST("hands out an id again with nothing left of its last server") {
  ServerPool pool(3);
  for (int i = 0; i < 300; i++) static_cast<void>(pool.add());
  for (const uint32_t id : {0u, 255u, 256u, 299u}) {
    pool.state(id).active = 5;
    pool.state(id).inactive = 6;
    pool.state(id).persistent = 7;
    pool.state(id).overloaded = true;
    pool.references(id) = 8;
    for (size_t worker = 0; worker < 3; worker++) {
      pool.counters(worker, id).connections.add(1);
      pool.counters(worker, id).packets.add(2);
      pool.counters(worker, id).bytes.add(3);
    }
    pool.release(id);
    CHECK_EQ(pool.add().value(), id);
    CHECK_EQ(pool.state(id).connections(), 0);
    CHECK_EQ(pool.state(id).persistent.load(), 0);
    CHECK(!pool.state(id).overloaded.load());
    CHECK_EQ(pool.references(id).load(), 0);
    for (size_t worker = 0; worker < 3; worker++) {
      const ServerCounters& counters = pool.counters(worker, id);
      CHECK_EQ(counters.connections.read() + counters.packets.read() + counters.bytes.read(), 0u);
    }
  }
}

TEST("keeps every worker's counters for every server apart and in place") {
  ServerPool pool(2);
  std::vector<ServerCounters*> places;
  for (uint32_t id = 0; id < 600; id++) {
    static_cast<void>(pool.add());
    for (size_t worker = 0; worker < 2; worker++) {
      places.push_back(&pool.counters(worker, id));
      places.back()->packets.add(id * 2 + worker);
    }
  }
  CHECK_EQ(std::set(places.begin(), places.end()).size(), places.size());
  bool isIntact = true;
  for (uint32_t id = 0; id < 600; id++) {
    for (size_t worker = 0; worker < 2; worker++)
      isIntact &= pool.counters(worker, id).packets.read() == id * 2 + worker;
  }
  CHECK(isIntact);
}

TEST("refuses more servers than there are ids, and names the remedy") {
  ServerPool pool(1);
  for (uint32_t i = 0; i < ServerPool::kMaxServers; i++) {
    if (!CHECK(pool.add().ok())) return;
  }
  const auto refused = pool.add();
  REQUIRE(!refused.ok());
  CHECK(refused.error().code == ErrorCode::limit);
  pool.release(5);
  CHECK_EQ(pool.add().value(), 5u);
}

}  // namespace
}  // namespace tunvs::server_pool_test
