// A scheduler decides which real server a new connection gets.
//
// A scheduler is one stateless object. The control thread makes Prepared for each snapshot, which holds what the
// scheduler computes from the list of servers; SchedulerState holds what it remembers from choice to choice. To add
// one, write a file NAME.cc with `const Scheduler& nameScheduler()`, add a line in scheduler.cc, and add it to the
// lists that CONTRIBUTING.md names.
//
// Thread safety: begin(), changed() and pick() run under the service's lock, except that pick() takes no lock on a fork
// of the state, nor where the scheduler remembers nothing; the control thread calls the rest without it.
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

// The newest server comes first, which is the order in which IPVS walks. The first server wins a tie.
using ServerList = std::span<const Candidate* const>;

inline constexpr uint32_t kNoServer = UINT32_MAX;

// Prepared is a table computed from one list of servers; servers are named by their place in the list. pick() also
// reads it without a lock when explain() tries a choice, so whatever it remembers there has to be atomic.
class Prepared {
 public:
  virtual ~Prepared() = default;
};

// A scheduler that remembers more than a few words keeps them here.
class SchedulerMemory {
 public:
  virtual ~SchedulerMemory() = default;
  virtual std::shared_ptr<SchedulerMemory> copy() const = 0;
};

// This is the memory of every scheduler that has one; each uses what it needs.
struct SchedulerState {
  uint32_t last = kNoServer;  // rr, wrr: id of the server chosen last; kNoServer: before the first of the list
  uint32_t lastIndex = 0;     // a hint: where `last` was in the list
  bool isAtStart = true;      // rr, wrr: nobody was chosen since the walk began
  int32_t currentWeight = 0;  // wrr
  int32_t maxWeight = 0;      // wrr
  int32_t weightStep = 1;     // wrr: greatest common divisor of the weights
  SplitMix64 random;          // twos, p2c
  std::shared_ptr<SchedulerMemory> memory;  // lblc, lblcr: shared by copies of the state

  // Returns a copy to try choices on, which shares nothing.
  SchedulerState fork() const {
    SchedulerState copy = *this;
    if (memory != nullptr) copy.memory = memory->copy();
    return copy;
  }
};

// A choice is made for this flow, under these conditions.
struct ScheduleContext {
  const FlowKey& flow;
  Tick now = 0;
  SchedulerOptions options;
  const Prepared* prepared = nullptr;  // for this list of servers; null when the scheduler prepares nothing
  Tick lblcExpiration = ticksFromSeconds(86400);
  Tick lblcrExpiration = ticksFromSeconds(86400);
};

// These say what a scheduler can be asked for beyond its flags.
struct SchedulerTraits {
  bool stableCursor = false;  // it knows the options of these names
  bool randomStart = false;
  bool agrees = false;    // a flow's server is the same for every director, whatever each has seen
  bool ramps = false;     // only the ratios of weights count, and a small change of one moves few flows
  bool remembers = true;  // pick() uses the SchedulerState, and so runs under the service's lock
};

class Scheduler {
 public:
  virtual ~Scheduler() = default;
  virtual std::string_view name() const = 0;
  // Returns the numbered flags that mean something to it.
  virtual uint8_t flags() const { return 0; }
  virtual SchedulerTraits traits() const { return {}; }

  // Returns an Error when it can't work with these options and so many servers.
  Result<void> accepts(const SchedulerOptions& options, size_t servers) const;
  // Does the same, except for the options that its traits tell of.
  virtual Result<void> check(const SchedulerOptions& options, size_t servers) const {
    static_cast<void>(servers);
    return noTableSize(options);
  }
  // REQUIRES: accepts() has passed
  virtual std::shared_ptr<const Prepared> prepare(ServerList, const SchedulerOptions&) const { return nullptr; }

  // The service begins to use this scheduler with these servers; `state` is fresh except for its randomness.
  virtual void begin(ServerList, SchedulerState&) const {}
  // The list changed by adding, removing or editing servers. `before` and `after` are both complete. With `keepsCursor`
  // the walk goes on where it is, even if the scheduler would begin it anew.
  virtual void changed(ServerList before, ServerList after, SchedulerState&, bool keepsCursor) const {
    static_cast<void>(before);
    static_cast<void>(after);
    static_cast<void>(keepsCursor);
  }
  // Returns the server for a new connection; null when none may take it.
  virtual const Candidate* pick(ServerList servers, SchedulerState& state, const ScheduleContext& context) const = 0;

 protected:
  Result<void> noTableSize(const SchedulerOptions& options) const;
};

std::span<const Scheduler* const> schedulers();
// Returns the names of the schedulers that have the trait, for people: "rr, wrr".
std::string schedulersWith(bool SchedulerTraits::*trait);
// Returns null when there is none of that name.
const Scheduler* schedulerByName(std::string_view name);

}  // namespace tunvs
