// Schedulers: which real server a new connection gets.
//
// A scheduler is one stateless object. What it works out from the list of servers is Prepared, made by the control
// thread for each snapshot; what it remembers from choice to choice is SchedulerState. Adding one: a file NAME.cc with
// `const Scheduler& nameScheduler()`, a line in scheduler.cc, and the lists that CONTRIBUTING.md names.
//
// Thread safety: begin(), changed() and pick() under the service's lock, but for pick() on a fork of the state, which
// takes no lock; the rest by the control thread without it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "core/flow_key.h"
#include "core/result.h"
#include "core/split_mix.h"
#include "core/ticks.h"
#include "scheduler/candidate.h"
#include "scheduler/options.h"

namespace tunvs {

// Newest first: the order in which IPVS walks. Ties go to whoever comes first.
using ServerList = std::span<const Candidate* const>;

inline constexpr uint32_t kNoServer = UINT32_MAX;

// A table worked out from one list of servers; servers are named by their place in it. pick() reads it without a lock
// as well, when explain() tries a choice: what it remembers there has to be atomic.
class Prepared {
 public:
  virtual ~Prepared() = default;
};

// What a scheduler remembers beyond a few words, in memory of its own.
class SchedulerMemory {
 public:
  virtual ~SchedulerMemory() = default;
  virtual std::shared_ptr<SchedulerMemory> copy() const = 0;
};

// The memory of every scheduler that has one; each uses what it needs.
struct SchedulerState {
  uint32_t last = kNoServer;  // rr, wrr: id of the server chosen last; kNoServer: before the first of the list
  uint32_t lastIndex = 0;     // where `last` was in the list, a hint
  bool isAtStart = true;      // rr, wrr: nobody was chosen since the walk began
  int32_t currentWeight = 0;  // wrr
  int32_t maxWeight = 0;      // wrr
  int32_t weightStep = 1;     // wrr: greatest common divisor of the weights
  SplitMix64 random;          // twos, p2c
  std::shared_ptr<SchedulerMemory> memory;  // lblc, lblcr: shared by copies of the state

  // A copy that choices can be tried on: nothing is shared.
  SchedulerState fork() const {
    SchedulerState copy = *this;
    if (memory != nullptr) copy.memory = memory->copy();
    return copy;
  }
};

// What a choice is made for and under.
struct ScheduleContext {
  const FlowKey& flow;
  Tick now = 0;
  SchedulerOptions options;
  const Prepared* prepared = nullptr;  // of this list of servers; null when the scheduler prepares nothing
  Tick lblcExpiration = ticksFromSeconds(86400);
  Tick lblcrExpiration = ticksFromSeconds(86400);
};

// What a scheduler can be asked for beyond its flags.
struct SchedulerTraits {
  bool stableCursor = false;  // its options of these names mean something
  bool randomStart = false;
  bool agrees = false;  // a flow's server is the same for every director, whatever each has seen
  bool ramps = false;   // of weights their ratios count alone, and a small change of one moves little
};

class Scheduler {
 public:
  virtual ~Scheduler() = default;
  virtual std::string_view name() const = 0;
  // The numbered flags that mean something to it.
  virtual uint8_t flags() const { return 0; }
  virtual SchedulerTraits traits() const { return {}; }

  // Whether it can do with these options and so many servers.
  Result<void> accepts(const SchedulerOptions& options, size_t servers) const;
  // The same, but for options that its traits tell of.
  virtual Result<void> check(const SchedulerOptions& options, size_t servers) const {
    static_cast<void>(servers);
    return noTableSize(options);
  }
  // REQUIRES: accepts() has passed
  virtual std::shared_ptr<const Prepared> prepare(ServerList, const SchedulerOptions&) const { return nullptr; }

  // The service begins to use this scheduler with these servers; `state` is fresh but for its randomness.
  virtual void begin(ServerList, SchedulerState&) const {}
  // The list changed by adding, removing or editing servers. `before` and `after` are both complete. `keepsCursor`: the
  // walk goes on where it is, also with a scheduler that would begin it anew.
  virtual void changed(ServerList before, ServerList after, SchedulerState&, bool keepsCursor) const {
    static_cast<void>(before);
    static_cast<void>(after);
    static_cast<void>(keepsCursor);
  }
  // The server for a new connection, null when none may take it.
  virtual const Candidate* pick(ServerList servers, SchedulerState& state, const ScheduleContext& context) const = 0;

 protected:
  Result<void> noTableSize(const SchedulerOptions& options) const;
};

std::span<const Scheduler* const> schedulers();
// The names of those that have it, for people: "rr, wrr".
std::string schedulersWith(bool SchedulerTraits::*trait);
// Null when there is none of that name.
const Scheduler* schedulerByName(std::string_view name);

}  // namespace tunvs
