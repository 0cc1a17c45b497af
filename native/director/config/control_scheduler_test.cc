// What Control does for schedulers: it makes tables anew, keeps or resets their memory, and remembers last weights.
#include <algorithm>
#include <set>
#include <string_view>

#include "director/config/control.h"
#include "support/test_flows.h"
#include "support/testing.h"

namespace tunvs::control_scheduler_test {
namespace {

using testing::flowNumber;

class TestControl {
 public:
  explicit TestControl(uint64_t seed = 1) : control_(settings(), pool_, epochs_, seed) {}

  static ServiceKey web() { return {IpAddress::v4(192, 0, 2, 10), 80, static_cast<uint8_t>(IpProtocol::tcp)}; }
  static AddServer add(uint8_t lastByte, int32_t weight = 1) {
    ServerConfig config;
    config.weight = weight;
    return {web(), {IpAddress::v4(10, 0, 0, lastByte), 80}, config};
  }
  static EditServer edit(uint8_t lastByte, int32_t weight) {
    const AddServer same = add(lastByte, weight);
    return {same.service, same.server, same.config};
  }
  static DeleteServer remove(uint8_t lastByte) { return {web(), add(lastByte).server}; }
  static ServiceConfig scheduler(const char* name, uint8_t flags = 0, uint32_t tableSize = 0) {
    return {name, {flags, tableSize}};
  }

  template <typename... Operations>
  Result<void> apply(Operations... operations) {
    const std::vector<Operation> all = {Operation{operations}...};
    return control_.apply(all, &failedAt);
  }
  const ServiceView& view() const { return *control_.table()->services().front(); }
  // Returns the last byte of the address of the server that flow `i` gets, 0 for none.
  int pick(uint32_t i = 0) const { return pick(view(), i); }
  int pick(const ServiceView& view, uint32_t i) const {
    const ServerView* server = view.schedule(flowNumber(i), 0, control_.tunables());
    return server == nullptr ? 0 : server->address.bytes[3];
  }
  std::vector<int> picks(uint32_t count) const {
    std::vector<int> all;
    for (uint32_t i = 0; i < count; i++) all.push_back(pick(i));
    return all;
  }

  size_t failedAt = SIZE_MAX;

 private:
  static Settings settings() {
    Settings settings;
    settings.v4 = SourceRange{IpAddress::v4(10, 9, 0, 1), 32};
    return settings;
  }

  Epochs epochs_;
  ServerPool pool_{1};
  Control control_;
};

using T = TestControl;

TEST("a service's table follows its servers, its flags and its table size") {
  T t;
  CHECK(t.apply(AddService{T::web(), T::scheduler("sh")}, T::add(1)).ok());
  CHECK_EQ(t.pick(), 1);
  CHECK(t.apply(T::add(2), T::remove(1)).ok());
  CHECK_EQ(t.pick(), 2);
  CHECK(t.apply(T::edit(2, 0)).ok());
  CHECK_EQ(t.pick(), 0);
  CHECK(t.apply(T::add(3)).ok());
  const auto refused = t.picks(50);
  CHECK(std::ranges::find(refused, 0) != refused.end());
  CHECK(t.apply(EditService{T::web(), T::scheduler("sh", kFallbackFlag, 1024)}).ok());
  CHECK(t.picks(50) == std::vector<int>(50, 3));
}

TEST("a server keeps its last weight through edits to 0, and a new one has what it was added with") {
  T t;
  CHECK(t.apply(AddService{T::web(), T::scheduler("mh")}, T::add(1, 5), T::add(2, 0)).ok());
  CHECK(t.apply(T::edit(1, 3)).ok());
  CHECK(t.apply(T::edit(1, 0)).ok());
  CHECK(t.apply(T::edit(1, 0)).ok());
  CHECK_EQ(t.view().owned[1]->lastWeight, 3);
  CHECK_EQ(t.view().owned[0]->lastWeight, 0);
  CHECK(t.apply(T::remove(1), T::add(1, 0)).ok());
  CHECK_EQ(t.view().owned[0]->lastWeight, 0);
}

// So a director that has seen the change and one that was started afterwards choose alike.
TEST("a server that is down or drained has the slots of its weight, whether it was added so or became so") {
  for (const ServerCondition& none : {ServerCondition{.isUp = false}, ServerCondition{.isDraining = true}}) {
    const auto lacking = [&](auto operation) {
      operation.condition = none;
      return operation;
    };
    T seen, started;
    for (T* t : {&seen, &started}) CHECK(t->apply(AddService{T::web(), T::scheduler("mh")}, T::add(1, 2)).ok());
    CHECK(seen.apply(T::add(2, 3)).ok());
    CHECK(seen.apply(lacking(T::edit(2, 3))).ok());
    CHECK(started.apply(lacking(T::add(2, 3))).ok());
    for (const T* t : {&seen, &started}) CHECK_EQ(t->view().owned[0]->lastWeight, 3);
    CHECK(seen.picks(200) == started.picks(200));
    CHECK(seen.apply(lacking(T::edit(2, 5))).ok());
    CHECK_EQ(seen.view().owned[0]->lastWeight, 5);
    CHECK(seen.apply(lacking(T::edit(2, 0))).ok());
    CHECK_EQ(seen.view().owned[0]->lastWeight, 5);
  }
}

TEST("a reader of the snapshot before a change of scheduler goes on with the old one") {
  T t;
  CHECK(t.apply(AddService{T::web(), T::scheduler("lblc")}, T::add(1, 9), T::add(2, 9)).ok());
  const ServiceView& before = t.view();
  CHECK_EQ(t.pick(), 2);
  before.owned[0]->state->active = 5;
  CHECK(t.apply(EditService{T::web(), T::scheduler("rr")}).ok());
  CHECK_EQ(t.pick(before, 0), 2);  // lblc's memory is still there; wlc would take the other
  CHECK(t.picks(4) == (std::vector<int>{2, 1, 2, 1}));
}

TEST("an edit that leaves the scheduler as it is leaves what it remembers") {
  T t;
  CHECK(t.apply(AddService{T::web(), T::scheduler("rr")}, T::add(1), T::add(2), T::add(3)).ok());
  CHECK(t.picks(2) == (std::vector<int>{3, 2}));
  CHECK(t.apply(EditService{T::web(), T::scheduler("rr", kThirdFlag)}, T::edit(2, 7)).ok());
  CHECK(t.picks(2) == (std::vector<int>{1, 3}));
}

TEST("a transaction that fails leaves tables and the schedulers' memory as they were") {
  T t;
  CHECK(t.apply(AddService{T::web(), T::scheduler("mh", 0, 251)}, T::add(1), T::add(2)).ok());
  const auto before = t.picks(200);
  CHECK(!t.apply(T::add(3), EditService{T::web(), T::scheduler("rr")}, T::edit(9, 1)).ok());
  CHECK_EQ(t.failedAt, 2u);
  CHECK(t.picks(200) == before);
}

TEST("the operation that adds one server too many for the table is the one that is refused") {
  T t;
  CHECK(t.apply(AddService{T::web(), T::scheduler("mh", 0, 251)}).ok());
  for (int i = 1; i <= 251; i++) CHECK(t.apply(T::add(static_cast<uint8_t>(i))).ok());
  const auto refused = t.apply(T::edit(1, 2), T::add(252));
  CHECK_EQ(static_cast<int>(refused.error().code), static_cast<int>(ErrorCode::limit));
  CHECK_EQ(t.failedAt, 1u);
  CHECK(t.apply(EditService{T::web(), T::scheduler("mh", 0, 509)}, T::add(252)).ok());
  CHECK(!t.apply(EditService{T::web(), T::scheduler("mh", 0, 251)}).ok());
}

TEST("random schedulers choose the same with the same seed, and differently with another") {
  const auto run = [](uint64_t seed) {
    T t(seed);
    CHECK(t.apply(AddService{T::web(), T::scheduler("p2c")}, T::add(1), T::add(2), T::add(3)).ok());
    return t.picks(100);
  };
  CHECK(run(1) == run(1));
  CHECK(run(1) != run(2));
}

TEST("a scheduler that remembers nothing chooses while the service's lock is held, and leaves the memory as it is") {
  TestControl control;
  REQUIRE(control.apply(AddService{TestControl::web(), TestControl::scheduler("rr")}, TestControl::add(11, 2),
                        TestControl::add(12), TestControl::add(13)));
  std::set<std::string_view> withoutLock;
  for (const Scheduler* scheduler : schedulers()) {
    REQUIRE(control.apply(EditService{TestControl::web(), TestControl::scheduler(scheduler->name().data())}));
    const ServiceView& view = control.view();
    CHECK_EQ(view.remembers, scheduler->traits().remembers);
    if (view.remembers) continue;
    withoutLock.insert(scheduler->name());
    view.state->scheduler.last = 12345;
    view.state->scheduler.lastIndex = 77;
    view.state->scheduler.currentWeight = 99;
    {
      const SpinGuard held(view.state->lock);  // the choice would wait for it for ever
      for (uint32_t i = 0; i < 50; i++) CHECK(control.pick(i) != 0);
    }
    CHECK_EQ(view.state->scheduler.last, 12345u);
    CHECK_EQ(view.state->scheduler.lastIndex, 77u);
    CHECK_EQ(view.state->scheduler.currentWeight, 99);
  }
  CHECK(withoutLock ==
        std::set<std::string_view>{"dh", "fo", "lc", "maglev", "mh", "nq", "ovf", "rendezvous", "sed", "sh", "wlc"});
}

}  // namespace
}  // namespace tunvs::control_scheduler_test
