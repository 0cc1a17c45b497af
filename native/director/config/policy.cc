#include "director/config/policy.h"

#include <algorithm>
#include <map>

#include "scheduler/eligible.h"
#include "scheduler/table.h"

namespace tunvs {
namespace {

std::shared_ptr<const IndexTable> indexed(const TablePolicy& policy, ServerList servers) {
  std::map<ServerKey, uint32_t> places;
  for (uint32_t i = 0; i < servers.size(); i++) places[{servers[i]->address, servers[i]->port}] = i;
  std::vector<uint32_t> placeOf;
  for (const ServerKey& key : policy.servers) {
    const auto at = places.find(key);
    placeOf.push_back(at == places.end() ? IndexTable::kEmpty : at->second);
  }
  auto table = std::make_shared<IndexTable>(policy.slots.size());
  std::ranges::transform(policy.slots, table->slots.begin(), [&](uint32_t server) { return placeOf[server]; });
  return table;
}

}  // namespace

std::array<uint64_t, std::size(kPolicyCounterNames)> valuesOf(const PolicyCounters& counters) {
  const auto value = [](const std::atomic<uint64_t>& counter) { return counter.load(std::memory_order_relaxed); };
  return {value(counters.asked),    value(counters.answered), value(counters.late),   value(counters.failed),
          value(counters.overflow), value(counters.parked),   value(counters.dropped)};
}

Result<void> checkPolicy(const Policy& policy) {
  const auto invalid = [](std::string message) { return Error::make(ErrorCode::invalidArgument, std::move(message)); };
  if (policy.table != nullptr && policy.connection != nullptr)
    return invalid("a service has a table or a connection policy, not both");
  if (policy.table != nullptr) {
    const TablePolicy& table = *policy.table;
    if (table.slots.empty() || table.slots.size() > kMaxTableSlots)
      return invalid("a table has from 1 to 16777216 slots, not " + std::to_string(table.slots.size()));
    if (std::ranges::any_of(table.slots, [&](uint32_t slot) { return slot >= table.servers.size(); }))
      return invalid("a slot of a table must name one of its " + std::to_string(table.servers.size()) + " servers");
  }
  if (policy.connection != nullptr) {
    const ConnectionPolicy& connection = *policy.connection;
    if (connection.deadline < 1 || connection.deadline > ConnectionPolicy::kMaxDeadline)
      return invalid("a policy's deadline is from 4 ms to 10 s");
    if (connection.packetBytes > ConnectionPolicy::kMaxPacketBytes)
      return invalid("a policy is shown at most 256 bytes of a packet");
  }
  return {};
}

PolicyView::PolicyView(Policy policy, ServerList servers) : policy_(std::move(policy)) {
  if (policy_.table != nullptr) table_ = indexed(*policy_.table, servers);
  if (policy_.connection == nullptr) return;
  byId_.assign(servers.begin(), servers.end());
  std::ranges::sort(byId_, {}, &Candidate::id);
}

const Candidate* PolicyView::choose(ServerList servers, const FlowKey& flow, PolicyTurn* turn) const {
  if (table_ != nullptr) return pickFromTable(*table_, servers, flow, policy_.table->hashesPort);
  if (turn == nullptr || turn->kind != PolicyTurn::Kind::decided) return nullptr;
  const Candidate* server = usable(turn->server);
  turn->isRefused = server == nullptr;
  return server;
}

const Candidate* PolicyView::usable(uint32_t id) const {
  const auto at = std::ranges::lower_bound(byId_, id, {}, &Candidate::id);
  return at != byId_.end() && (*at)->id == id && isEligible(**at) ? *at : nullptr;
}

}  // namespace tunvs
