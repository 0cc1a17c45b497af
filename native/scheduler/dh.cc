// dh, destination hashing, looks up the virtual address in a table of servers. It is made for caches behind one
// firewall mark; a service of one address sends everything to one server. Weights count only as zero or not, and only
// when a server is looked up.
#include "scheduler/eligible.h"
#include "scheduler/index_table.h"
#include "scheduler/ipvs_hash.h"
#include "scheduler/table_size.h"

namespace tunvs {
namespace {

class DestinationHashing final : public Scheduler {
 public:
  std::string_view name() const override { return "dh"; }
  SchedulerTraits traits() const override { return {.remembers = false}; }
  Result<void> check(const SchedulerOptions& options, size_t) const override { return checkPowerTable(options); }

  std::shared_ptr<const Prepared> prepare(ServerList servers, const SchedulerOptions& options) const override {
    auto table = std::make_shared<IndexTable>(size_t{1} << powerTableBits(options));
    if (servers.empty()) return table;
    for (size_t i = 0; i < table->slots.size(); i++) table->slots[i] = static_cast<uint32_t>(i % servers.size());
    return table;
  }

  const Candidate* pick(ServerList servers, SchedulerState&, const ScheduleContext& context) const override {
    const auto& table = static_cast<const IndexTable&>(*context.prepared);
    const uint32_t slot =
        multiplicativeHash(foldAddress(context.flow.virtualAddress()), powerTableBits(context.options));
    const Candidate* server = table.at(servers, slot);
    return server != nullptr && isEligible(*server) ? server : nullptr;
  }
};

}  // namespace

const Scheduler& dhScheduler() {
  static const DestinationHashing scheduler;
  return scheduler;
}

}  // namespace tunvs
