// A HostMonitor tells that a host's links, addresses, routes, rules, proxy neighbours or network settings may have
// changed. It tells only the kind; whoever is told finds out what has changed.
//
// The kernel notifies of all kinds but one: it tells nobody that a proxy neighbour comes or goes (Linux 6.18), so these
// are read once a second. Routes of other protocols are skipped, as a router may change thousands a second.
//
// Thread safety: a thread of its own calls `changed`; any thread may call take().
// Invariants:
//  1. Both sockets belong to the network namespace in which start() was called.
//  2. `changed` is called when a kind is set that was not, and not again before take().
//  3. When notifications were lost, all kinds are set.
//  4. After the destructor `changed` is not called.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "core/result.h"
#include "io/os/loop_thread.h"
#include "io/os/unique_fd.h"

namespace tunvs {

enum class HostChange : uint8_t { link, address, route, rule, proxy, setting };

inline constexpr std::array<std::string_view, 6> kHostChangeNames = {"link", "address", "route",
                                                                     "rule", "proxy",   "setting"};

using HostChanges = uint32_t;  // bit per HostChange
constexpr HostChanges bitOf(HostChange change) { return 1u << static_cast<unsigned>(change); }
inline constexpr HostChanges kAllHostChanges = (1u << kHostChangeNames.size()) - 1;

// Returns the changes in a datagram of notifications. A route counts when it is of `routeProtocol`, or replaces
// another.
HostChanges hostChangesIn(std::span<const uint8_t> datagram, uint8_t routeProtocol);
// Adds to `sum` so that it differs whenever an entry of a datagram with proxy neighbours differs; the order does not
// matter. Returns false when the datagram ends the list.
bool addProxies(std::span<const uint8_t> datagram, uint64_t& sum);

class HostMonitor {
 public:
  static Result<std::unique_ptr<HostMonitor>> start(uint8_t routeProtocol, std::function<void()> changed);
  ~HostMonitor();
  HostMonitor(const HostMonitor&) = delete;
  HostMonitor& operator=(const HostMonitor&) = delete;

  // Returns what has changed since the last call.
  HostChanges take() { return changes_.exchange(0, std::memory_order_acq_rel); }

 private:
  HostMonitor(uint8_t routeProtocol, std::function<void()> changed, UniqueFd notifications, UniqueFd questions,
              std::unique_ptr<LoopThread> loop)
      : routeProtocol_(routeProtocol),
        changed_(std::move(changed)),
        notifications_(std::move(notifications)),
        questions_(std::move(questions)),
        loop_(std::move(loop)) {}
  void run();
  void tell(HostChanges changes);
  HostChanges drain();
  // Returns 0 when the kernel does not answer.
  uint64_t proxies();

  const uint8_t routeProtocol_;
  const std::function<void()> changed_;
  UniqueFd notifications_;
  UniqueFd questions_;
  std::atomic<HostChanges> changes_{0};
  uint32_t sequence_ = 0;
  std::array<uint8_t, 32768> scratch_;
  std::unique_ptr<LoopThread> loop_;  // last, as it uses all the others
};

}  // namespace tunvs
