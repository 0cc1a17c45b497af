// Asks the kernel's routing, neighbour and link tables over rtnetlink, and parses the answers.
//
// Thread safety: one thread per object. A call waits for the kernel's routing lock, so no packet worker makes one. The
// parse functions are pure.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/inet.h"
#include "core/result.h"
#include "io/netlink/netlink_exchange.h"
#include "io/os/unique_fd.h"

namespace tunvs {

using MacAddress = std::array<uint8_t, 6>;

struct RouteAnswer {
  enum class Kind : uint8_t { unicast, local, other };  // other: blackhole, unreachable, broadcast, multicast, ...
  Kind kind = Kind::other;
  int interfaceIndex = 0;            // 0: none
  std::optional<IpAddress> gateway;  // none: the destination is on the link; may be of the other family
  std::optional<IpAddress> prefSource;
  uint32_t mtu = 0;               // the route's own MTU, including a learned path MTU; 0: the link's holds
  bool hasEncapsulation = false;  // a lightweight tunnel (MPLS, SRv6, ...) that only the kernel can apply
};

struct LinkAnswer {
  int interfaceIndex = 0;
  int masterIndex = 0;  // of the bridge, bond or VRF that it is a part of; 0: of none
  std::string name;
  uint16_t hardwareType = 0;  // ARPHRD_*
  uint32_t flags = 0;         // IFF_*
  uint32_t mtu = 0;
  uint32_t mtu6 = 0;     // the MTU that IPv6 keeps to, as routers may have advertised; 0: no IPv6 there
  MacAddress address{};  // zero unless the link has six-byte addresses
  bool hasCarrier = false;
  std::string kind;  // "tun", "veth", ...; "" for hardware
  // These are for a TUN or TAP device (Linux 4.18); they are zero elsewhere.
  uint8_t tunType = 0;  // 1: TUN, 2: TAP
  bool isTunPersistent = false;
  bool isTunMultiQueue = false;
  uint32_t tunQueues = 0;  // queues that processes hold now; known only for multi-queue devices
};

struct NeighbourAnswer {
  int interfaceIndex = 0;
  uint16_t state = 0;  // NUD_*
  std::optional<MacAddress> address;

  bool isUsable() const;  // the kernel itself would send to it now
  bool isStale() const;   // usable, but due for a check
};

// Each reads one whole netlink message; nullopt when it is of another kind or has inconsistent lengths.
std::optional<RouteAnswer> parseRoute(std::span<const uint8_t> message);
std::optional<LinkAnswer> parseLink(std::span<const uint8_t> message);
std::optional<NeighbourAnswer> parseNeighbour(std::span<const uint8_t> message);

// Returns true when it matters that something about this neighbour has changed.
using NeighbourFilter = std::function<bool(const IpAddress& address)>;

// Returns true when a datagram of rtnetlink's notifications (any number of whole messages) tells of anything that
// matters: everything but neighbours that the filter does not want. What can't be read might be anything, so it
// matters.
bool isNews(std::span<const uint8_t> datagram, const NeighbourFilter& isOurs);

class Netlink {
 public:
  static Result<std::unique_ptr<Netlink>> open();

  // Returns the route that a packet of this host takes to `destination`. A given `source` takes part in policy routing.
  Result<RouteAnswer> route(const IpAddress& destination, const IpAddress* source = nullptr);
  Result<LinkAnswer> link(int interfaceIndex);
  Result<LinkAnswer> link(std::string_view name);
  // Needs Linux 5.0. It is notFound when the kernel has no entry.
  Result<NeighbourAnswer> neighbour(int interfaceIndex, const IpAddress& address);
  // Makes the kernel behave as if it had sent a packet there: it resolves what is missing and checks what is stale.
  // Needs CAP_NET_ADMIN.
  Result<void> useNeighbour(int interfaceIndex, const IpAddress& address);

 private:
  explicit Netlink(UniqueFd socket) : exchange_(std::move(socket)) {}

  NetlinkExchange exchange_;
};

// A NetlinkMonitor becomes readable when links, neighbours, routes or rules change.
class NetlinkMonitor {
 public:
  static Result<std::unique_ptr<NetlinkMonitor>> open();
  int pollDescriptor() const { return socket_.get(); }
  // Takes all notifications that wait; true when one of them matters, or when some were lost. Without a filter all
  // neighbours matter.
  bool drain(const NeighbourFilter& isOurs = nullptr);

 private:
  explicit NetlinkMonitor(UniqueFd socket) : socket_(std::move(socket)) {}
  UniqueFd socket_;
};

}  // namespace tunvs
