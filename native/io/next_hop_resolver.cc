#include "io/next_hop_resolver.h"

#include <linux/if_arp.h>
#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>

#include "io/coarse_clock.h"

namespace tunvs {
namespace {

constexpr uint64_t kRoundMs = 1000;
constexpr uint64_t kMinGapMs = 50;
constexpr uint64_t kForgetMs = 60'000;
constexpr uint32_t kInterfaceUp = 0x1;  // IFF_UP

}  // namespace

Result<std::shared_ptr<NextHopResolver>> NextHopResolver::start(std::vector<IpAddress> sources) {
  auto netlink = Netlink::open();
  if (!netlink) return netlink.error();
  auto monitor = NetlinkMonitor::open();
  if (!monitor) return monitor.error();
  UniqueFd wakeUp(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!wakeUp) return Error::fromErrno(errno, "eventfd", "can't start the next-hop resolver");
  return std::shared_ptr<NextHopResolver>(new NextHopResolver(std::move(sources), std::move(netlink).value(),
                                                              std::move(monitor).value(), std::move(wakeUp)));
}

NextHopResolver::NextHopResolver(std::vector<IpAddress> sources, std::unique_ptr<Netlink> netlink,
                                 std::unique_ptr<NetlinkMonitor> monitor, UniqueFd wakeUp)
    : sources_(std::move(sources)),
      netlink_(std::move(netlink)),
      monitor_(std::move(monitor)),
      wakeUp_(std::move(wakeUp)),
      thread_([this] { run(); }) {}

NextHopResolver::~NextHopResolver() {
  isStopping_.store(true, std::memory_order_release);
  wake();
  thread_.join();
}

void NextHopResolver::wake() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wakeUp_.get(), &one, sizeof one);  // a full counter wakes as well
}

std::optional<LinkHop> NextHopResolver::find(const IpAddress& nextHop, uint64_t nowMs) {
  bool isNew = false;
  auto hop = table_.find(nextHop, nowMs, isNew);
  if (isNew) wake();
  return hop;
}

void NextHopResolver::run() {
  uint64_t lastRoundMs = 0;
  bool hasChanges = false;
  while (!isStopping_.load(std::memory_order_acquire)) {
    const uint64_t before = coarseNowMs();
    const uint64_t dueMs = lastRoundMs + (hasChanges ? kMinGapMs : kRoundMs);
    const bool isIdle = table_.known().empty();
    pollfd waits[2] = {{wakeUp_.get(), POLLIN, 0}, {monitor_->pollDescriptor(), POLLIN, 0}};
    const int timeoutMs = isIdle ? -1 : static_cast<int>(dueMs > before ? dueMs - before : 0);
    ::poll(waits, 2, timeoutMs);

    uint64_t events;
    [[maybe_unused]] const ssize_t cleared = ::read(wakeUp_.get(), &events, sizeof events);  // empty: nobody woke it
    hasChanges |= monitor_->drain();
    const uint64_t now = coarseNowMs();
    if (now >= lastRoundMs + (hasChanges ? kMinGapMs : kRoundMs)) {
      if (now > kForgetMs) table_.forgetUnused(now - kForgetMs);
      resolveAll(table_.known());
      lastRoundMs = now;
      hasChanges = false;
    } else {
      resolveAll(table_.unresolved());
    }
  }
}

void NextHopResolver::resolveAll(const std::vector<IpAddress>& nextHops) {
  links_.clear();
  for (const IpAddress& nextHop : nextHops) {
    if (isStopping_.load(std::memory_order_relaxed)) return;
    table_.set(nextHop, resolve(nextHop));
  }
}

std::optional<LinkHop> NextHopResolver::resolve(const IpAddress& nextHop) {
  const auto source = std::ranges::find(sources_, nextHop.family, &IpAddress::family);
  Result<RouteAnswer> asked = netlink_->route(nextHop, source == sources_.end() ? nullptr : &*source);
  // The source may not be an address of this host (yet); then only the destination decides.
  if (!asked && source != sources_.end()) asked = netlink_->route(nextHop);
  if (!asked) return std::nullopt;
  const RouteAnswer& route = asked.value();
  if (route.kind != RouteAnswer::Kind::unicast || route.hasEncapsulation) return std::nullopt;

  const LinkAnswer* out = link(route.interfaceIndex);
  if (out == nullptr || out->hardwareType != ARPHRD_ETHER || (out->flags & kInterfaceUp) == 0) return std::nullopt;

  const IpAddress& gateway = route.gateway ? *route.gateway : nextHop;
  const auto neighbour = netlink_->neighbour(route.interfaceIndex, gateway);
  if (!neighbour || !neighbour.value().isUsable()) return std::nullopt;
  if (neighbour.value().isStale() && !netlink_->useNeighbour(route.interfaceIndex, gateway)) return std::nullopt;

  const uint32_t pathMtu = route.mtu == 0 ? out->mtu : std::min(route.mtu, out->mtu);
  return LinkHop{route.interfaceIndex, *neighbour.value().address, out->address, out->mtu, pathMtu};
}

const LinkAnswer* NextHopResolver::link(int interfaceIndex) {
  const auto known = std::ranges::find(links_, interfaceIndex, &LinkAnswer::interfaceIndex);
  if (known != links_.end()) return &*known;
  auto asked = netlink_->link(interfaceIndex);
  if (!asked) return nullptr;
  links_.push_back(std::move(asked).value());
  return &links_.back();
}

}  // namespace tunvs
