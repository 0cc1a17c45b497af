// maglev is Maglev hashing (Eisenbud and others, NSDI 2016) for directors that must agree: servers take their turns in
// the order of their addresses, however they were added, and a flow whose server may not take it goes on along the
// table.
//
// A server has its own order of the slots, offset + k * skip modulo the prime size. Weights decide how often it has a
// turn: the k-th slot of weight w comes at the time (2k - 1) / w, which divides slots as Sainte-Lague divides seats,
// without favour to heavy or light servers.
#include <algorithm>
#include <queue>

#include "scheduler/eligible.h"
#include "scheduler/flow_point.h"
#include "scheduler/index_table.h"
#include "scheduler/table_size.h"

namespace tunvs {
namespace {

constexpr uint32_t kDefaultSize = 65537;
constexpr uint32_t kMinSize = 251, kMaxSize = 1u << 24;

uint32_t sizeOf(const SchedulerOptions& options) { return options.tableSize == 0 ? kDefaultSize : options.tableSize; }

struct Turn {
  uint64_t number;  // 2k - 1, for its k-th slot
  uint64_t weight;  // > 0
  uint32_t rank;    // in the order of addresses
  uint32_t server;
  uint32_t slot;  // the next one to try
  uint32_t skip;

  // Returns true when this turn comes after the other. number < 2^26 and weight < 2^31, so the products fit.
  bool operator<(const Turn& other) const {
    const uint64_t mine = number * other.weight, theirs = other.number * weight;
    return mine != theirs ? mine > theirs : rank > other.rank;
  }
};

std::priority_queue<Turn> turnsOf(ServerList servers, uint32_t size) {
  std::vector<uint32_t> order;
  for (uint32_t i = 0; i < servers.size(); i++) {
    if (servers[i]->weight > 0) order.push_back(i);
  }
  std::ranges::sort(order, [&](uint32_t a, uint32_t b) { return isBefore(*servers[a], *servers[b]); });
  std::vector<Turn> turns;
  for (uint32_t rank = 0; rank < order.size(); rank++) {
    const Candidate& server = *servers[order[rank]];
    turns.push_back({1, static_cast<uint64_t>(server.weight), rank, order[rank],
                     static_cast<uint32_t>(endpointHash(kServerKey, server.address, server.port) % size),
                     static_cast<uint32_t>(endpointHash(kSkipKey, server.address, server.port) % (size - 1) + 1)});
  }
  return std::priority_queue<Turn>({}, std::move(turns));
}

class Maglev final : public Scheduler {
 public:
  std::string_view name() const override { return "maglev"; }
  SchedulerTraits traits() const override { return {.agrees = true, .ramps = true, .remembers = false}; }
  uint8_t flags() const override { return kPortFlag; }

  Result<void> check(const SchedulerOptions& options, size_t servers) const override {
    const uint32_t size = sizeOf(options);
    if (size < kMinSize || size > kMaxSize || !isPrime(size)) {
      return Error::make(ErrorCode::invalidArgument,
                         "maglev can't have a table of " + std::to_string(size) +
                             " slots; it takes a prime from 251 to 16777213, such as 65537");
    }
    if (servers <= size) return {};
    return Error::make(ErrorCode::limit, "maglev with a table of " + std::to_string(size) +
                                             " slots holds no more servers than that; give it a larger table");
  }

  std::shared_ptr<const Prepared> prepare(ServerList servers, const SchedulerOptions& options) const override {
    const uint32_t size = sizeOf(options);
    auto table = std::make_shared<IndexTable>(size);
    auto turns = turnsOf(servers, size);
    if (turns.empty()) return table;
    for (uint32_t filled = 0; filled < size; filled++) {
      Turn turn = turns.top();
      turns.pop();
      while (table->slots[turn.slot] != IndexTable::kEmpty) {
        turn.slot += turn.skip;
        if (turn.slot >= size) turn.slot -= size;
      }
      table->slots[turn.slot] = turn.server;
      turn.number += 2;
      turns.push(turn);
    }
    return table;
  }

  const Candidate* pick(ServerList servers, SchedulerState&, const ScheduleContext& context) const override {
    constexpr size_t kBeforeAsking = 64;  // after so many tries it is worth asking whether any server is eligible
    const auto& table = static_cast<const IndexTable&>(*context.prepared);
    const size_t size = table.slots.size();
    size_t slot = slotOf(flowPoint(context), size);
    for (size_t tried = 0; tried < size; tried++) {
      const Candidate* server = table.at(servers, slot);
      if (server == nullptr || isEligible(*server)) return server;
      if (tried == kBeforeAsking && !isAnyEligible(servers)) return nullptr;
      if (++slot == size) slot = 0;
    }
    return nullptr;
  }
};

}  // namespace

const Scheduler& maglevScheduler() {
  static const Maglev scheduler;
  return scheduler;
}

}  // namespace tunvs
