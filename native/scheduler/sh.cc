// sh, source hashing, looks up the client's address in a table of servers, each in as many neighbouring slots as its
// weight.
#include "scheduler/ipvs_hash.h"
#include "scheduler/probe.h"
#include "scheduler/table_size.h"

namespace tunvs {
namespace {

class SourceHashing final : public Scheduler {
 public:
  std::string_view name() const override { return "sh"; }
  SchedulerTraits traits() const override { return {.agrees = true, .remembers = false}; }
  uint8_t flags() const override { return kFallbackFlag | kPortFlag; }
  Result<void> check(const SchedulerOptions& options, size_t) const override { return checkPowerTable(options); }

  // A server of weight 0 holds a slot too, and its clients are refused.
  std::shared_ptr<const Prepared> prepare(ServerList servers, const SchedulerOptions& options) const override {
    auto table = std::make_shared<IndexTable>(size_t{1} << powerTableBits(options));
    if (servers.empty()) return table;
    size_t index = 0;
    int32_t taken = 0;
    for (uint32_t& slot : table->slots) {
      slot = static_cast<uint32_t>(index);
      if (++taken < servers[index]->weight) continue;
      taken = 0;
      if (++index == servers.size()) index = 0;
    }
    return table;
  }

  const Candidate* pick(ServerList servers, SchedulerState&, const ScheduleContext& context) const override {
    const auto& table = static_cast<const IndexTable&>(*context.prepared);
    const uint32_t port = (context.options.flags & kPortFlag) != 0 ? context.flow.clientPort().host() : 0;
    const size_t hash = multiplicativeHash(port + foldAddress(context.flow.client()), powerTableBits(context.options));
    const size_t mask = table.slots.size() - 1;
    return probeTable(table, servers, (context.options.flags & kFallbackFlag) != 0,
                      [&](size_t offset) { return (offset + hash) & mask; });
  }
};

}  // namespace

const Scheduler& shScheduler() {
  static const SourceHashing scheduler;
  return scheduler;
}

}  // namespace tunvs
