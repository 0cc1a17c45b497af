// Tells that a host's links, addresses, routes, rules, proxy neighbours or network settings may have changed. What has
// changed is found out by whoever is told: here is no more than the kind.
//
// The kernel notifies of all kinds but one: that a proxy neighbour comes or goes it tells nobody (Linux 6.18), so these
// are counted over once a second. Routes of other protocols are passed over, as a router may change thousands a second.
//
// Thread safety: one thread of its own calls `changed`; take() may be called from any thread.
// Invariants:
//   1. Both sockets belong to the network namespace that start() was called in.
//   2. `changed` is called when a kind is set that was not, and not again before take().
//   3. When notifications were lost, all kinds are set.
//   4. After the destructor `changed` is not called.
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

// Of a datagram of notifications. Routes count when they are of `routeProtocol`, or take the place of another.
HostChanges hostChangesIn(std::span<const uint8_t> datagram, uint8_t routeProtocol);
// A number that is another one when an entry of a datagram with proxy neighbours is; the order does not matter.
// False when the datagram ends the list.
bool addProxies(std::span<const uint8_t> datagram, uint64_t& sum);

class HostMonitor {
 public:
  static Result<std::unique_ptr<HostMonitor>> start(uint8_t routeProtocol, std::function<void()> changed);
  ~HostMonitor();
  HostMonitor(const HostMonitor&) = delete;
  HostMonitor& operator=(const HostMonitor&) = delete;

  // What has changed since the last call.
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
  // 0 when the kernel does not answer.
  uint64_t proxies();

  const uint8_t routeProtocol_;
  const std::function<void()> changed_;
  UniqueFd notifications_;
  UniqueFd questions_;
  std::atomic<HostChanges> changes_{0};
  uint32_t sequence_ = 0;
  std::array<uint8_t, 32768> scratch_;
  std::unique_ptr<LoopThread> loop_;  // last: it uses all the others
};

}  // namespace tunvs
