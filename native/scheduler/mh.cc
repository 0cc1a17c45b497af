// mh is IPVS's Maglev hashing (Eisenbud and others, NSDI 2016): each server has its own order of the slots of a table
// of prime size, and the servers take turns. The client's address finds the slot.
//
// Turns are taken in the order of the list, so directors agree only if servers were added in the same order; maglev
// does not have that drawback. A server of weight 0 keeps its slots, which is why there is `lastWeight`.
#include <bit>
#include <numeric>

#include "core/siphash.h"
#include "scheduler/ipvs_hash.h"
#include "scheduler/probe.h"

namespace tunvs {
namespace {

// IPVS can be built with these sizes, by the bits of its build option; 12 bits is its default.
constexpr uint32_t kSizes[] = {251, 509, 1021, 2039, 4093, 8191, 16381, 32749, 65521, 131071};
constexpr unsigned kFirstBits = 8, kDefaultSlotBits = 12;

constexpr SipKey kSlotKey{2654435761, 2654435761};
constexpr SipKey kSkipKey{2654446892, 2654446892};

uint32_t hashOf(SipKey key, uint32_t folded, uint32_t port, uint32_t offset) {
  return static_cast<uint32_t>(sipHash13(key, offset + port + folded));
}

// Returns 0 when there is no such size.
unsigned bitsOf(const SchedulerOptions& options) {
  if (options.tableSize == 0) return kDefaultSlotBits;
  for (size_t i = 0; i < std::size(kSizes); i++) {
    if (kSizes[i] == options.tableSize) return kFirstBits + static_cast<unsigned>(i);
  }
  return 0;
}
uint32_t slotsOf(const SchedulerOptions& options) { return kSizes[bitsOf(options) - kFirstBits]; }

// A Walk is a server's way through the slots.
struct Walk {
  uint32_t server;
  uint32_t slot;  // the next one to try
  uint32_t skip;
  uint32_t turns;  // slots taken in one turn
};

std::vector<Walk> walksOf(ServerList servers, uint32_t size, unsigned bits) {
  int32_t divisor = 0;
  int32_t heaviest = 0;
  for (const Candidate* server : servers) {
    divisor = std::gcd(divisor, server->lastWeight);
    heaviest = std::max(heaviest, server->lastWeight);
  }
  std::vector<Walk> walks;
  if (heaviest == 0) return walks;
  // Large weights are scaled down, so that a turn stays short.
  const int shift = std::max(
      0, static_cast<int>(std::bit_width(static_cast<uint32_t>(heaviest / divisor))) - static_cast<int>(bits / 2));
  for (uint32_t i = 0; i < servers.size(); i++) {
    const Candidate& server = *servers[i];
    if (server.lastWeight == 0) continue;
    const uint32_t folded = foldAddress(server.address);
    walks.push_back({i, hashOf(kSlotKey, folded, server.port, 0) % size,
                     hashOf(kSkipKey, folded, server.port, 0) % (size - 1) + 1,
                     std::max(1u, static_cast<uint32_t>(server.lastWeight / divisor) >> shift)});
  }
  return walks;
}

class MaglevOfIpvs final : public Scheduler {
 public:
  std::string_view name() const override { return "mh"; }
  SchedulerTraits traits() const override { return {.agrees = true, .remembers = false}; }
  uint8_t flags() const override { return kFallbackFlag | kPortFlag; }

  Result<void> check(const SchedulerOptions& options, size_t servers) const override {
    if (bitsOf(options) == 0) {
      std::string sizes;
      for (const uint32_t size : kSizes) sizes += (sizes.empty() ? "" : ", ") + std::to_string(size);
      return Error::make(ErrorCode::invalidArgument, "mh can't have a table of " + std::to_string(options.tableSize) +
                                                         " slots; its sizes are " + sizes);
    }
    if (servers <= slotsOf(options)) return {};
    return Error::make(ErrorCode::limit, "mh with a table of " + std::to_string(slotsOf(options)) +
                                             " slots holds no more servers than that; give it a larger table");
  }

  std::shared_ptr<const Prepared> prepare(ServerList servers, const SchedulerOptions& options) const override {
    const uint32_t size = slotsOf(options);
    auto table = std::make_shared<IndexTable>(size);
    std::vector<Walk> walks = walksOf(servers, size, bitsOf(options));
    uint32_t filled = 0;
    while (!walks.empty()) {
      for (Walk& walk : walks) {
        for (uint32_t turn = 0; turn < walk.turns; turn++) {
          while (table->slots[walk.slot] != IndexTable::kEmpty) walk.slot = (walk.slot + walk.skip) % size;
          table->slots[walk.slot] = walk.server;
          if (++filled == size) return table;
        }
      }
    }
    return table;
  }

  const Candidate* pick(ServerList servers, SchedulerState&, const ScheduleContext& context) const override {
    const auto& table = static_cast<const IndexTable&>(*context.prepared);
    const uint32_t port = (context.options.flags & kPortFlag) != 0 ? context.flow.clientPort().host() : 0;
    const uint32_t folded = foldAddress(context.flow.client());
    return probeTable(table, servers, (context.options.flags & kFallbackFlag) != 0, [&](size_t offset) {
      return hashOf(kSlotKey, folded, port, static_cast<uint32_t>(offset)) % table.slots.size();
    });
  }
};

}  // namespace

const Scheduler& mhScheduler() {
  static const MaglevOfIpvs scheduler;
  return scheduler;
}

}  // namespace tunvs
