// rendezvous is highest random weight hashing (Thaler, Ravishankar 1998), weighted by the logarithmic method
// (Schindelhauer, Schomaker 2005). A flow and each server are hashed to a random number u in (0, 1]. -ln(u) / weight is
// the time of the first event of a process with that rate, and is smallest for a server with the probability of its
// share of the weights.
//
// A server that leaves gives away exactly its own flows, and no other flow moves; the same holds when a weight changes.
// Flows meet servers by slot, not one by one: a slot's meeting is held when its first flow comes and remembered until
// the servers change, so that a choice costs the same for two servers and for thousands.
#include <atomic>

#include "scheduler/binary_log.h"
#include "scheduler/eligible.h"
#include "scheduler/flow_point.h"

namespace tunvs {
namespace {

constexpr uint32_t kDefaultSlots = 65536;
constexpr uint32_t kMinSlots = 256, kMaxSlots = 1u << 24;

struct Slots final : Prepared {
  static constexpr uint32_t kUnknown = UINT32_MAX;

  explicit Slots(size_t count) : owner(count) {
    for (auto& one : owner) one.store(kUnknown, std::memory_order_relaxed);
  }

  std::vector<uint64_t> points;  // of the servers, in their order
  // This holds the owner of each slot. It is atomic, as explain() tries a choice without the service's lock; whoever
  // computes an owner, the result is the same.
  mutable std::vector<std::atomic<uint32_t>> owner;
};

// Permutes 64 bits so that every bit of the input affects every bit of the output (SplitMix64's finalizer).
constexpr uint64_t mix(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

// Returns -log2(u) with 32 binary digits, for u = 1 - t / 2^64. The nearer t is to 0, the better is the server's draw.
constexpr uint64_t timeOf(uint64_t t) { return (uint64_t{64} << 32) - binaryLog(~t | 1); }

// Returns the server with the smallest time per weight among those that `mayTake`; the first by address among equals.
template <typename MayTake>
uint32_t meet(const Slots& slots, ServerList servers, size_t slot, MayTake&& mayTake) {
  __extension__ using Wide = unsigned __int128;
  const uint64_t flow = mix(slot + 1);
  uint32_t best = Slots::kUnknown;
  uint64_t bestTime = 0;
  for (uint32_t i = 0; i < servers.size(); i++) {
    const Candidate& server = *servers[i];
    if (!mayTake(server)) continue;
    const auto weight = static_cast<uint64_t>(server.weight);
    const uint64_t t = mix(flow ^ slots.points[i]);
    if (best != Slots::kUnknown) {
      const auto bestWeight = static_cast<uint64_t>(servers[best]->weight);
      // -log2(1 - x) is above x. Half of it, without its last digits, shows without a logarithm that most servers come
      // too late.
      const uint64_t atLeast = t >> 33;
      if (atLeast > 8 && Wide{atLeast} * bestWeight > Wide{bestTime} * weight) continue;
      const uint64_t time = timeOf(t);
      const Wide mine = Wide{time} * bestWeight, theirs = Wide{bestTime} * weight;
      if (mine > theirs || (mine == theirs && isBefore(*servers[best], server))) continue;
      bestTime = time;
    } else {
      bestTime = timeOf(t);
    }
    best = i;
  }
  return best;
}

class Rendezvous final : public Scheduler {
 public:
  std::string_view name() const override { return "rendezvous"; }
  SchedulerTraits traits() const override { return {.agrees = true, .ramps = true, .remembers = false}; }
  uint8_t flags() const override { return kPortFlag; }

  Result<void> check(const SchedulerOptions& options, size_t) const override {
    if (options.tableSize == 0 || (options.tableSize >= kMinSlots && options.tableSize <= kMaxSlots)) return {};
    return Error::make(ErrorCode::invalidArgument, "rendezvous can't have " + std::to_string(options.tableSize) +
                                                       " slots; it takes 256 to 16777216");
  }

  std::shared_ptr<const Prepared> prepare(ServerList servers, const SchedulerOptions& options) const override {
    auto slots = std::make_shared<Slots>(options.tableSize == 0 ? kDefaultSlots : options.tableSize);
    for (const Candidate* server : servers)
      slots->points.push_back(endpointHash(kServerKey, server->address, server->port));
    return slots;
  }

  const Candidate* pick(ServerList servers, SchedulerState&, const ScheduleContext& context) const override {
    const auto& slots = static_cast<const Slots&>(*context.prepared);
    const size_t slot = slotOf(flowPoint(context), slots.owner.size());
    uint32_t owner = slots.owner[slot].load(std::memory_order_relaxed);
    if (owner == Slots::kUnknown) {
      owner = meet(slots, servers, slot, [](const Candidate& server) { return server.weight > 0; });
      slots.owner[slot].store(owner, std::memory_order_relaxed);
    }
    if (owner == Slots::kUnknown) return nullptr;
    if (!isOverloaded(*servers[owner])) return servers[owner];
    const uint32_t next = meet(slots, servers, slot, isEligible);
    return next == Slots::kUnknown ? nullptr : servers[next];
  }
};

}  // namespace

const Scheduler& rendezvousScheduler() {
  static const Rendezvous scheduler;
  return scheduler;
}

}  // namespace tunvs
