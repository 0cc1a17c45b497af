// Keeps a NextHopTable true: a thread that asks the kernel for routes, links and neighbours, so that no packet worker
// has to wait for the kernel's routing lock.
//
// Thread safety: setServers() by one control thread; find(), mtu(), the generations and resolveNeighbours() from any
// thread; start and destruction by the control thread.
//
// It knows the real servers by being told, never by packets, so nobody who sends packets can fill it or keep it busy.
// It asks when servers are named; when rtnetlink reports a change of links, routes or rules, or of a neighbour by which
// a real server is reached (bundled, and so that rounds take a fifth of its time at most); and every second in any
// case, so many servers at a time: a learned path MTU is not reported, and reports can be lost. A change of other
// neighbours, which strangers can bring about by the thousand, is read away 20 times a second.
//
// A neighbour that the kernel does not know is left to the packets: as long as it is unresolved they go through a raw
// socket, which makes the kernel resolve it and keeps the first packets in the kernel's own queue. A stale neighbour is
// checked by NTF_USE; without CAP_NET_ADMIN it counts as unresolved, and again the packets make the kernel check it.
#pragma once

#include <atomic>
#include <memory>
#include <unordered_set>
#include <vector>

#include "core/result.h"
#include "io/os/loop_thread.h"
#include "io/os/unique_fd.h"
#include "io/route/netlink.h"
#include "io/route/next_hop_table.h"

namespace tunvs {

class NextHopResolver {
 public:
  // `sources`: the addresses that packets will carry, one per family at most, for policy routing by source.
  static Result<std::shared_ptr<NextHopResolver>> start(std::vector<IpAddress> sources);
  ~NextHopResolver();

  // From now on these are resolved, and no others.
  void setServers(std::span<const IpAddress> servers);
  // Somebody sends frames: neighbours are asked for too, not routes alone.
  void resolveNeighbours();

  // nullopt: use a raw socket for now.
  std::optional<LinkHop> find(const IpAddress& nextHop) const { return table_.find(nextHop); }
  uint64_t generation() const { return table_.generation(); }
  // Of the route and its link, bytes; 0: not known.
  uint32_t mtu(const IpAddress& nextHop) const { return table_.mtu(nextHop); }
  uint64_t mtuGeneration() const { return table_.mtuGeneration(); }
  std::vector<IpAddress> known() const { return table_.known(); }

 private:
  NextHopResolver(std::vector<IpAddress> sources, std::unique_ptr<Netlink> netlink,
                  std::unique_ptr<NetlinkMonitor> monitor, std::unique_ptr<LoopThread> loop);
  void run();
  void wait(uint64_t untilMs, bool listens);
  void resolveAll(std::span<const IpAddress> nextHops);
  void resolveSome(const std::vector<IpAddress>& nextHops);
  NextHopAnswer resolve(const IpAddress& nextHop);
  std::optional<LinkHop> frameTo(const IpAddress& nextHop, const RouteAnswer& route, const LinkAnswer& out,
                                 uint32_t pathMtu);
  const LinkAnswer* link(int interfaceIndex);

  const std::vector<IpAddress> sources_;
  NextHopTable table_;
  std::atomic<bool> needsNeighbours_{false};
  std::atomic<bool> needsRound_{false};
  std::unique_ptr<Netlink> netlink_;  // the thread's own, as are the next few
  std::unique_ptr<NetlinkMonitor> monitor_;
  std::vector<LinkAnswer> links_;                            // asked for in this round
  std::unordered_set<IpAddress, IpAddressHash> neighbours_;  // asked for since the last whole round
  size_t cursor_ = 0;                                        // of resolveSome()
  bool hasNews_ = false;
  std::unique_ptr<LoopThread> loop_;  // last: it uses all the others
};

}  // namespace tunvs
