// Real servers for scheduler tests are named by letters: TestServers({{'A', 4}, {'B', 3}}) is a list in that order.
#pragma once

#include <deque>
#include <initializer_list>
#include <string>
#include <vector>

#include "scheduler/scheduler.h"

namespace tunvs::testing {

class TestServers {
 public:
  struct Spec {
    char name;
    int32_t weight;
  };

  TestServers(std::initializer_list<Spec> specs) {
    for (const Spec& spec : specs) append(spec.name, spec.weight);
  }

  ServerList list() const { return list_; }
  ServerState& state(char name) { return states_[static_cast<size_t>(name)]; }
  void overload(char name, bool isOverloaded = true) { state(name).overloaded = isOverloaded; }

  void append(char name, int32_t weight) { list_.push_back(&make(name, weight)); }
  void prepend(char name, int32_t weight) { list_.insert(list_.begin(), &make(name, weight)); }
  void remove(char name) {
    std::erase_if(list_, [name](const Candidate* server) { return server->id == static_cast<uint32_t>(name); });
  }
  void setWeight(char name, int32_t weight) {
    for (auto& server : list_) {
      if (server->id != static_cast<uint32_t>(name)) continue;
      Candidate& edited = make(name, weight);
      if (weight == 0) edited.lastWeight = server->lastWeight;
      server = &edited;
    }
  }

 private:
  Candidate& make(char name, int32_t weight) {
    Candidate& server = made_.emplace_back();
    server.id = static_cast<uint32_t>(name);
    server.address = IpAddress::v4(10, 0, 0, static_cast<uint8_t>(name));
    server.weight = weight;
    server.lastWeight = weight;
    server.state = &states_[static_cast<size_t>(name)];
    return server;
  }

  ServerState states_[128];
  std::deque<Candidate> made_;  // an edited server is a new object, as in snapshots
  std::vector<const Candidate*> list_;
};

// A TestService is a scheduler at work on a list of servers.
class TestService {
 public:
  TestService(std::string_view scheduler, TestServers& servers, const SchedulerOptions& options = {}, uint64_t seed = 1)
      : scheduler_(*schedulerByName(scheduler)), servers_(servers), options_(options) {
    state_.random = SplitMix64(seed);
    scheduler_.begin(servers_.list(), state_);
    prepare();
  }

  // Returns the server for a new connection of this flow; null for none.
  const Candidate* choose(const FlowKey& flow = {}) {
    ScheduleContext context{flow, now, options_, prepared_.get()};
    context.lblcExpiration = context.lblcrExpiration = expiration;
    return scheduler_.pick(servers_.list(), state_, context);
  }
  // Returns its letter, '-' for none. The connection is active from then on.
  char pick(const FlowKey& flow = {}) {
    const Candidate* chosen = choose(flow);
    if (chosen == nullptr) return '-';
    chosen->state->active++;
    return static_cast<char>(chosen->id);
  }
  std::string picks(size_t count) {
    std::string letters;
    while (letters.size() < count) letters += pick();
    return letters;
  }
  // Changes the list and tells the scheduler, as Control does for one operation.
  template <typename Change>
  void change(Change&& change) {
    const std::vector<const Candidate*> before(servers_.list().begin(), servers_.list().end());
    change(servers_);
    scheduler_.changed(before, servers_.list(), state_, options_.stableCursor);
    prepare();
  }
  const SchedulerState& state() const { return state_; }
  const Prepared* prepared() const { return prepared_.get(); }

  Tick now = 0;
  Tick expiration = ticksFromSeconds(86400);  // of lblc and lblcr

 private:
  void prepare() { prepared_ = scheduler_.prepare(servers_.list(), options_); }

  const Scheduler& scheduler_;
  TestServers& servers_;
  SchedulerOptions options_;
  SchedulerState state_;
  std::shared_ptr<const Prepared> prepared_;
};

}  // namespace tunvs::testing
