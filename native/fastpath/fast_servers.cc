#include "fastpath/fast_servers.h"

#include <atomic>
#include <cstring>

namespace tunvs {
namespace {

#if defined(__x86_64__)
constexpr bool kOrdersLoads = true;
#else
constexpr bool kOrdersLoads = false;
#endif

void store(FastU32& word, FastU32 value) {
  if (word != value) std::atomic_ref(word).store(value, std::memory_order_release);
}

}  // namespace

void FastServers::takeAway(FastServer& line) {
  if (line.ifindex == 0) return;
  store(line.ifindex, 0);
  mustWait_ = true;
}

size_t FastServers::set(std::span<const FastServer> wanted) {
  changed_.clear();
  size_t usable = 0;
  for (size_t id = 0; id < lines_.size(); id++) {
    FastServer& line = lines_[id];
    if (id >= wanted.size() || wanted[id].ifindex == 0) {
      takeAway(line);
      continue;
    }
    usable++;
    if (differsInPath(line, wanted[id])) {
      takeAway(line);
      changed_.push_back(id);
      continue;
    }
    store(line.longest, wanted[id].longest);
    store(line.tcpTicks, wanted[id].tcpTicks);
    store(line.udpTicks, wanted[id].udpTicks);
  }
  if (changed_.empty()) return usable;
  if (mustWait_) {
    if (!wait_()) return usable - changed_.size();
    mustWait_ = false;
  }
  for (const size_t id : changed_) {
    FastServer next = wanted[id];
    next.ifindex = 0;
    std::memcpy(&lines_[id], &next, sizeof next);
  }
  // A program does not order its loads. Where the processor may reorder them, it must not see a new ifindex with what
  // was there before.
  if (!kOrdersLoads && !wait_()) return usable - changed_.size();
  for (const size_t id : changed_) store(lines_[id].ifindex, wanted[id].ifindex);
  return usable;
}

void FastServers::clear() {
  for (FastServer& line : lines_) takeAway(line);
}

}  // namespace tunvs
