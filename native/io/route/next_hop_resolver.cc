#include "io/route/next_hop_resolver.h"

#include <net/if_arp.h>
#include <poll.h>

#include <algorithm>

#include "io/os/coarse_clock.h"

namespace tunvs {
namespace {

constexpr uint64_t kRoundMs = 1000;
constexpr size_t kPerRound = 1024;  // so that the greatest number of servers takes no more than a few percent of a core
constexpr uint64_t kMinGapMs = 50;
constexpr uint64_t kMinGapRounds = 4;   // a round is followed by a pause of so many times its length
constexpr uint32_t kInterfaceUp = 0x1;  // IFF_UP

}  // namespace

Result<std::shared_ptr<NextHopResolver>> NextHopResolver::start(std::vector<IpAddress> sources) {
  auto netlink = Netlink::open();
  if (!netlink) return netlink.error();
  auto monitor = NetlinkMonitor::open();
  if (!monitor) return monitor.error();
  auto loop = LoopThread::make("can't start the next-hop resolver");
  if (!loop) return loop.error();
  std::shared_ptr<NextHopResolver> made(new NextHopResolver(std::move(sources), std::move(netlink).value(),
                                                            std::move(monitor).value(), std::move(loop).value()));
  if (auto started = made->loop_->start("tunvs/routes", [own = made.get()] { own->run(); }); !started)
    return started.error();
  return made;
}

NextHopResolver::NextHopResolver(std::vector<IpAddress> sources, std::unique_ptr<Netlink> netlink,
                                 std::unique_ptr<NetlinkMonitor> monitor, std::unique_ptr<LoopThread> loop)
    : sources_(std::move(sources)),
      netlink_(std::move(netlink)),
      monitor_(std::move(monitor)),
      loop_(std::move(loop)) {}

NextHopResolver::~NextHopResolver() = default;

void NextHopResolver::setServers(std::span<const IpAddress> servers) {
  table_.assign(servers);
  loop_->wake();
}

void NextHopResolver::resolveNeighbours() {
  if (needsNeighbours_.exchange(true, std::memory_order_relaxed)) return;
  needsRound_.store(true, std::memory_order_release);
  loop_->wake();
}

void NextHopResolver::run() {
  uint64_t roundDueMs = 0, someDueMs = 0, listensAtMs = 0;
  while (!loop_->isStopping()) {
    const uint64_t before = coarseNowMs();
    if (table_.size() == 0) {
      wait(UINT64_MAX, /*listens=*/false);
    } else if (before < listensAtMs) {
      wait(std::min({listensAtMs, someDueMs, hasNews_ ? roundDueMs : UINT64_MAX}), /*listens=*/false);
    } else {
      wait(hasNews_ ? std::min(roundDueMs, someDueMs) : someDueMs, /*listens=*/true);
      listensAtMs = coarseNowMs() + kMinGapMs;
    }
    hasNews_ |= needsRound_.exchange(false, std::memory_order_acquire);
    resolveAll(table_.unresolved());
    const uint64_t start = coarseNowMs();
    if (hasNews_ && start >= roundDueMs) {
      hasNews_ = false;
      neighbours_.clear();
      resolveAll(table_.known());
      const uint64_t end = coarseNowMs();
      roundDueMs = end + std::max(kMinGapMs, kMinGapRounds * (end - start));
    } else if (start >= someDueMs) {
      resolveSome(table_.known());
      someDueMs = coarseNowMs() + kRoundMs;
    }
  }
}

// Sleeps until `untilMs`, until somebody calls wake(), or until there is something to listen to.
void NextHopResolver::wait(uint64_t untilMs, bool listens) {
  const uint64_t now = coarseNowMs();
  pollfd waits[2] = {{loop_->descriptor(), POLLIN, 0}, {monitor_->pollDescriptor(), POLLIN, 0}};
  const int timeoutMs = untilMs == UINT64_MAX ? -1 : static_cast<int>(untilMs > now ? untilMs - now : 0);
  ::poll(waits, listens ? 2 : 1, timeoutMs);
  loop_->clear();
  if (listens) hasNews_ |= monitor_->drain([&](const IpAddress& address) { return neighbours_.contains(address); });
}

void NextHopResolver::resolveAll(std::span<const IpAddress> nextHops) {
  links_.clear();
  for (const IpAddress& nextHop : nextHops) {
    if (loop_->isStopping()) return;
    table_.set(nextHop, resolve(nextHop));
  }
}

// Resolves the next kPerRound of them.
void NextHopResolver::resolveSome(const std::vector<IpAddress>& nextHops) {
  if (cursor_ >= nextHops.size()) cursor_ = 0;
  const size_t count = std::min(kPerRound, nextHops.size() - cursor_);
  resolveAll(std::span(nextHops).subspan(cursor_, count));
  cursor_ += count;
}

NextHopAnswer NextHopResolver::resolve(const IpAddress& nextHop) {
  const auto source = std::ranges::find(sources_, nextHop.family, &IpAddress::family);
  Result<RouteAnswer> asked = netlink_->route(nextHop, source == sources_.end() ? nullptr : &*source);
  // The source may not (yet) be an address of this host; then only the destination decides.
  if (!asked && source != sources_.end()) asked = netlink_->route(nextHop);
  if (!asked || asked.value().kind == RouteAnswer::Kind::other) return {};
  const RouteAnswer& route = asked.value();
  const LinkAnswer* out = link(route.interfaceIndex);
  if (out == nullptr) return {};
  uint32_t mtu = out->mtu;
  if (!nextHop.isV4() && out->mtu6 != 0) mtu = std::min(mtu, out->mtu6);
  if (route.mtu != 0) mtu = std::min(mtu, route.mtu);
  NextHopAnswer answer;
  answer.mtu = mtu;
  if (needsNeighbours_.load(std::memory_order_relaxed)) answer.hop = frameTo(nextHop, route, *out, mtu);
  return answer;
}

std::optional<LinkHop> NextHopResolver::frameTo(const IpAddress& nextHop, const RouteAnswer& route,
                                                const LinkAnswer& out, uint32_t pathMtu) {
  if (route.kind != RouteAnswer::Kind::unicast || route.hasEncapsulation) return std::nullopt;
  if (out.hardwareType != ARPHRD_ETHER || (out.flags & kInterfaceUp) == 0) return std::nullopt;
  const IpAddress& gateway = route.gateway ? *route.gateway : nextHop;
  neighbours_.insert(gateway);
  const auto neighbour = netlink_->neighbour(route.interfaceIndex, gateway);
  if (!neighbour || !neighbour.value().isUsable()) return std::nullopt;
  if (neighbour.value().isStale() && !netlink_->useNeighbour(route.interfaceIndex, gateway)) return std::nullopt;
  return LinkHop{route.interfaceIndex, *neighbour.value().address, out.address, out.mtu, pathMtu};
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
