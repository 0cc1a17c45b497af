// Keeps a NextHopTable true: a thread that asks the kernel for routes and neighbours, so that no packet worker has to
// wait for the kernel's routing lock.
//
// Thread safety: find() and generation() from any thread; start and destruction by the control thread.
//
// It asks again when rtnetlink reports a change of links, neighbours, routes or rules (bundled to at most one round in
// 50 ms, since a routing daemon changes thousands at once), and every second in any case: a learned path MTU is not
// reported, and reports can be lost. A worker's own cache lives as long as the generation, and a second at most.
//
// A neighbour that the kernel does not know is left to the packets: as long as it is unresolved they go through a raw
// socket, which makes the kernel resolve it and keeps the first packets in the kernel's own queue. A stale neighbour is
// checked by NTF_USE; without CAP_NET_ADMIN it counts as unresolved, and again the packets make the kernel check it.
#pragma once

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "core/result.h"
#include "io/netlink.h"
#include "io/next_hop_table.h"
#include "io/unique_fd.h"

namespace tunvs {

class NextHopResolver {
 public:
  // `sources`: the addresses that packets will carry, one per family at most, for policy routing by source.
  static Result<std::shared_ptr<NextHopResolver>> start(std::vector<IpAddress> sources);
  ~NextHopResolver();

  // nullopt: use a raw socket for now.
  std::optional<LinkHop> find(const IpAddress& nextHop, uint64_t nowMs);
  uint64_t generation() const { return table_.generation(); }

 private:
  NextHopResolver(std::vector<IpAddress> sources, std::unique_ptr<Netlink> netlink,
                  std::unique_ptr<NetlinkMonitor> monitor, UniqueFd wakeUp);
  void run();
  void wake();
  void resolveAll(const std::vector<IpAddress>& nextHops);
  std::optional<LinkHop> resolve(const IpAddress& nextHop);
  const LinkAnswer* link(int interfaceIndex);

  const std::vector<IpAddress> sources_;
  NextHopTable table_;
  std::unique_ptr<Netlink> netlink_;  // the thread's own, as are the next two
  std::unique_ptr<NetlinkMonitor> monitor_;
  std::vector<LinkAnswer> links_;  // asked for in this round
  UniqueFd wakeUp_;
  std::atomic<bool> isStopping_{false};
  std::thread thread_;  // last: it uses all the others
};

}  // namespace tunvs
