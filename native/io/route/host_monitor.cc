#include "io/route/host_monitor.h"

#include <linux/neighbour.h>
#include <linux/netconf.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "core/inet.h"
#include "io/netlink/netlink_messages.h"
#include "io/netlink/netlink_socket.h"
#include "io/os/coarse_clock.h"

namespace tunvs {
namespace {

constexpr int kProxyRoundMs = 1000;
constexpr int kReceiveBufferBytes = 1 << 20;

HostChanges changesOf(const nlmsghdr& header, std::span<const uint8_t> message, uint8_t routeProtocol) {
  switch (header.nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK: return bitOf(HostChange::link);
    case RTM_NEWADDR:
    case RTM_DELADDR: return bitOf(HostChange::address);
    case RTM_NEWRULE:
    case RTM_DELRULE: return bitOf(HostChange::rule);
    case RTM_NEWNETCONF:
    case RTM_DELNETCONF: return bitOf(HostChange::setting);
    case RTM_NEWROUTE:
    case RTM_DELROUTE: {
      if (message.size() < NLMSG_HDRLEN + sizeof(rtmsg)) return 0;
      const bool isOurs = loadUnaligned<rtmsg>(message.data() + NLMSG_HDRLEN).rtm_protocol == routeProtocol;
      return isOurs || (header.nlmsg_flags & NLM_F_REPLACE) != 0 ? bitOf(HostChange::route) : 0;
    }
    default: return 0;
  }
}

// This is FNV-1a (public domain).
uint64_t hashOf(std::span<const uint8_t> bytes) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const uint8_t byte : bytes) hash = (hash ^ byte) * 0x100000001b3;
  return hash;
}

Result<void> subscribe(int socket) {
  // This is more than most hosts need in a burst. If notifications are lost all the same, ENOBUFS tells so.
  ::setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &kReceiveBufferBytes, sizeof kReceiveBufferBytes);
  for (const int group :
       {RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE,
        RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE, RTNLGRP_IPV4_NETCONF, RTNLGRP_IPV6_NETCONF}) {
    if (::setsockopt(socket, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) < 0) {
      return Error::fromErrno(errno, "setsockopt", "can't be told of changes to the host (rtnetlink)");
    }
  }
  return {};
}

}  // namespace

HostChanges hostChangesIn(std::span<const uint8_t> datagram, uint8_t routeProtocol) {
  HostChanges changes = 0;
  forEachNetlinkMessage(datagram, [&](const nlmsghdr& header, std::span<const uint8_t> message) {
    changes |= changesOf(header, message, routeProtocol);
    return true;
  });
  return changes;
}

bool addProxies(std::span<const uint8_t> datagram, uint64_t& sum) {
  bool goesOn = true;
  forEachNetlinkMessage(datagram, [&](const nlmsghdr& header, std::span<const uint8_t> message) {
    if (header.nlmsg_type == NLMSG_DONE || header.nlmsg_type == NLMSG_ERROR) goesOn = false;
    // The header is left out, as it holds the number of the question, which differs each time.
    if (header.nlmsg_type == RTM_NEWNEIGH) sum += hashOf(message.subspan(NLMSG_HDRLEN));
    return true;
  });
  return goesOn;
}

Result<std::unique_ptr<HostMonitor>> HostMonitor::start(uint8_t routeProtocol, std::function<void()> changed) {
  auto notifications = openRtnetlink();
  if (!notifications) return notifications.error();
  if (auto subscribed = subscribe(notifications->get()); !subscribed) return subscribed.error();
  auto questions = openRtnetlink();
  if (!questions) return questions.error();
  auto loop = LoopThread::make("can't watch the host");
  if (!loop) return loop.error();
  std::unique_ptr<HostMonitor> monitor(new HostMonitor(routeProtocol, std::move(changed),
                                                       std::move(notifications).value(), std::move(questions).value(),
                                                       std::move(loop).value()));
  auto started = monitor->loop_->start("tunvs/host", [self = monitor.get()] { self->run(); });
  if (!started) return started.error();
  return monitor;
}

HostMonitor::~HostMonitor() = default;

void HostMonitor::run() {
  uint64_t seen = proxies();
  uint64_t dueMs = coarseNowMs() + kProxyRoundMs;
  while (!loop_->isStopping()) {
    pollfd waits[2] = {{loop_->descriptor(), POLLIN, 0}, {notifications_.get(), POLLIN, 0}};
    const uint64_t before = coarseNowMs();
    ::poll(waits, 2, dueMs > before ? static_cast<int>(dueMs - before) : 0);
    if (loop_->isStopping()) return;
    tell(drain());
    if (coarseNowMs() < dueMs) continue;
    const uint64_t now = proxies();
    if (now != seen) tell(bitOf(HostChange::proxy));
    seen = now;
    dueMs = coarseNowMs() + kProxyRoundMs;
  }
}

void HostMonitor::tell(HostChanges changes) {
  if (changes != 0 && changes_.fetch_or(changes, std::memory_order_acq_rel) == 0) changed_();
}

HostChanges HostMonitor::drain() {
  HostChanges changes = 0;
  while (true) {
    const auto received =
        retryOnInterrupt([&] { return ::recv(notifications_.get(), scratch_.data(), scratch_.size(), 0); });
    if (received >= 0) {
      changes |= hostChangesIn(std::span(scratch_).first(received), routeProtocol_);
    } else if (errno == ENOBUFS) {
      changes = kAllHostChanges;
    } else {
      return changes;
    }
  }
}

uint64_t HostMonitor::proxies() {
  uint64_t sum = 0;
  for (const uint8_t family : {AF_INET, AF_INET6}) {
    struct {
      nlmsghdr header{};
      ndmsg neighbour{};
    } request;
    request.header.nlmsg_len = sizeof request;
    request.header.nlmsg_type = RTM_GETNEIGH;
    request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    request.header.nlmsg_seq = ++sequence_;
    request.neighbour.ndm_family = family;
    request.neighbour.ndm_flags = NTF_PROXY;
    if (::send(questions_.get(), &request, sizeof request, 0) < 0) continue;
    // The kernel answers within send() and recv(), so there is nothing to wait for.
    while (true) {
      const auto received =
          retryOnInterrupt([&] { return ::recv(questions_.get(), scratch_.data(), scratch_.size(), 0); });
      if (received < 0 || !addProxies(std::span(scratch_).first(received), sum)) break;
    }
  }
  return sum;
}

}  // namespace tunvs
