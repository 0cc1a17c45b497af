// A policy decides about a service's new connections before the scheduler does. It is a table that was built elsewhere,
// or somebody who is asked about each connection. If there is no usable answer, the scheduler decides.
//
// Thread safety: immutable but for the counters, which any thread may add to and read.
// The law:  asked = answered + late + failed + overflow + those that wait
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/ticks.h"
#include "director/config/service_key.h"
#include "scheduler/index_table.h"

namespace tunvs {

// Has a server for each slot; a flow's hash picks the slot.
struct TablePolicy {
  std::vector<ServerKey> servers;
  std::vector<uint32_t> slots;  // indexes of `servers`, [1, kMaxTableSlots] of them
  bool hashesPort = false;      // the client's port is hashed with its address
};
inline constexpr uint32_t kMaxTableSlots = 1u << 24;

struct PolicyCounters {
  std::atomic<uint64_t> asked{0};     // new connections
  std::atomic<uint64_t> answered{0};  // with a usable server, or with "let the scheduler decide"
  std::atomic<uint64_t> late{0};      // no answer before the deadline: the scheduler decided
  std::atomic<uint64_t> failed{0};    // an error, or a server that may not be chosen: the scheduler decided
  std::atomic<uint64_t> overflow{0};  // no room to wait: the scheduler decided at once
  std::atomic<uint64_t> parked{0};    // packets that waited
  std::atomic<uint64_t> dropped{0};   // packets behind those of a waiting flow, for which there was no room

  static void addOne(std::atomic<uint64_t>& counter) { counter.fetch_add(1, std::memory_order_relaxed); }
};
inline constexpr std::string_view kPolicyCounterNames[] = {"asked",    "answered", "late",   "failed",
                                                           "overflow", "parked",   "dropped"};
// Returns the values in the order of the names.
std::array<uint64_t, std::size(kPolicyCounterNames)> valuesOf(const PolicyCounters& counters);

// Somebody is asked about each connection.
struct ConnectionPolicy {
  static constexpr uint16_t kMaxPacketBytes = 256;
  static constexpr Tick kMaxDeadline = 10 * kTicksPerSecond;

  uint32_t id = 0;           // whom to ask
  Tick deadline = 12;        // how long an answer may take, [1, kMaxDeadline]
  uint16_t packetBytes = 0;  // how much of the first packet the question shows, [0, kMaxPacketBytes]
  mutable PolicyCounters counters;
};

// At most one of the two is set.
struct Policy {
  std::shared_ptr<const TablePolicy> table;
  std::shared_ptr<const ConnectionPolicy> connection;
};

Result<void> checkPolicy(const Policy& policy);

// How one connection is opened if a policy may decide about it.
struct PolicyTurn {
  enum class Kind : uint8_t { ask, decided, fallback };
  Kind kind = Kind::ask;
  uint32_t server = kNoServer;  // decided: its id
  // Out:
  bool isRefused = false;  // decided: the server may not be chosen
  // The policy to ask if the verdict is Verdict::parked; it belongs to the snapshot.
  const std::shared_ptr<const ConnectionPolicy>* policy = nullptr;
};

// A policy, resolved against one list of servers.
class PolicyView {
 public:
  PolicyView() = default;
  PolicyView(Policy policy, ServerList servers);

  const Policy& policy() const { return policy_; }

  // Tells whether the turn has to wait for an answer; if so, it sets turn.policy.
  bool mustBeAsked(PolicyTurn& turn) const {
    if (policy_.connection == nullptr || turn.kind != PolicyTurn::Kind::ask) return false;
    turn.policy = &policy_.connection;
    return true;
  }
  // Returns what the table or the answer says, or null if the scheduler has to choose. REQUIRES: `servers` are those
  // that the view was made with
  const Candidate* choose(ServerList servers, const FlowKey& flow, PolicyTurn* turn) const;

 private:
  const Candidate* usable(uint32_t id) const;  // null: it may not get connections, or does not belong to the service
  Policy policy_;
  std::shared_ptr<const IndexTable> table_;
  std::vector<const Candidate*> byId_;  // of a connection policy; sorted
};

}  // namespace tunvs
