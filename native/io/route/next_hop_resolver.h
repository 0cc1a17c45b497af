// A NextHopResolver keeps a NextHopTable true: its thread asks the kernel for routes, links and neighbours, so that no
// packet worker has to wait for the kernel's routing lock.
//
// Thread safety: one control thread starts it, destroys it and calls setServers(); any thread calls find(), mtu(), the
// generations and resolveNeighbours().
//
// It is told which real servers there are and learns nothing from packets, so nobody who sends packets can fill it or
// keep it busy. It asks when servers are named; when rtnetlink reports a change of links, routes or rules, or of a
// neighbour by which a real server is reached (bundled, and so that rounds take at most a fifth of its time); and every
// second in any case for some of the servers, as a learned path MTU is not reported and reports can be lost. Strangers
// can change other neighbours by the thousand; those reports are drained 20 times a second.
//
// A neighbour that the kernel does not know is left to the packets: while it is unresolved they go through a raw
// socket, which makes the kernel resolve it and keeps the first packets in the kernel's own queue. NTF_USE makes the
// kernel check a stale neighbour; without CAP_NET_ADMIN it counts as unresolved, and again the packets make the kernel
// check it.
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
  // `sources` are the addresses that packets will carry, at most one per family, for policy routing by source.
  static Result<std::shared_ptr<NextHopResolver>> start(std::vector<IpAddress> sources);
  ~NextHopResolver();

  // Resolves these from now on, and no others.
  void setServers(std::span<const IpAddress> servers);
  // Asks for neighbours too, not for routes alone, because somebody sends frames.
  void resolveNeighbours();

  // Returns nullopt when a raw socket is to be used for now.
  std::optional<LinkHop> find(const IpAddress& nextHop) const { return table_.find(nextHop); }
  uint64_t generation() const { return table_.generation(); }
  // Returns the MTU of the route and its link in bytes; 0 when it is not known.
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
  std::unique_ptr<Netlink> netlink_;  // this and the next few are the thread's own
  std::unique_ptr<NetlinkMonitor> monitor_;
  std::vector<LinkAnswer> links_;                            // asked for in this round
  std::unordered_set<IpAddress, IpAddressHash> neighbours_;  // asked for since the last whole round
  size_t cursor_ = 0;                                        // of resolveSome()
  bool hasNews_ = false;
  std::unique_ptr<LoopThread> loop_;  // last, as it uses all the others
};

}  // namespace tunvs
