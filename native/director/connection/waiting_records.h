// A peer's records whose virtual service or real server is not here yet. They wait as long as their entries would live.
//
// Thread safety: none; the thread that takes records has them.
// Invariant: there are at most kMost.
#pragma once

#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/flow_key.h"
#include "core/ticks.h"
#include "sync/sync_record.h"
#include "table/flow_hash.h"

namespace tunvs {

class WaitingRecords {
 public:
  static constexpr size_t kMost = 16384;

  // `secret` keeps whoever sends records from choosing where they collide.
  explicit WaitingRecords(const HashSecret& secret) : records_(0, Hash{secret}) {}

  // Keeps a record until `deadline`, in place of one about the same connection. Returns false when there is no room.
  bool keep(const FlowKey& key, const SyncRecord& record, Tick deadline, Tick now) {
    auto found = records_.find(key);
    if (found == records_.end()) {
      if (records_.size() >= kMost && (now - sweptAt_ < kTicksPerSecond || !sweep(now))) return false;
      found = records_.try_emplace(key).first;
    }
    Waiting& waiting = found->second;
    waiting.name = record.engineName;
    waiting.data = record.engineData;
    waiting.record = record;
    waiting.deadline = deadline;
    return true;
  }
  void forget(const FlowKey& key) { records_.erase(key); }
  // Gives each record that is in time to take(const SyncRecord&, Tick deadline), and keeps those for which that returns
  // true. What take() keeps here is not given again.
  template <typename Take>
  void retry(Tick now, Take&& take) {
    for (auto at = records_.begin(); at != records_.end();) {
      Waiting& waiting = at->second;
      waiting.record.engineName = waiting.name;
      waiting.record.engineData = waiting.data;
      const bool isKept = !reached(now, waiting.deadline) && take(std::as_const(waiting.record), waiting.deadline);
      at = isKept ? std::next(at) : records_.erase(at);
    }
  }
  size_t size() const { return records_.size(); }

 private:
  struct Waiting {
    SyncRecord record;  // its texts are those below
    std::string name, data;
    Tick deadline = 0;
  };
  struct Hash {
    HashSecret secret;
    size_t operator()(const FlowKey& key) const { return flowHash(key, secret); }
  };
  // Returns whether there is room now.
  bool sweep(Tick now) {
    sweptAt_ = now;
    std::erase_if(records_, [&](const auto& each) { return reached(now, each.second.deadline); });
    return records_.size() < kMost;
  }

  std::unordered_map<FlowKey, Waiting, Hash> records_;
  Tick sweptAt_ = 0;
};

}  // namespace tunvs
