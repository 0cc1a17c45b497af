#include "io/tc/tc_hooks.h"

#include <net/if.h>
#include <net/if_arp.h>

#include <algorithm>
#include <cerrno>

#include "io/route/netlink.h"
#include "io/tc/bpf_calls.h"

namespace tunvs {
namespace {

constexpr uint32_t kEthernetBytes = 14;

// Returns the bytes in front of IP headers of what comes in by a device.
Result<uint32_t> linkBytes(const std::string& owner, const std::string& device, int index) {
  auto netlink = Netlink::open();
  if (!netlink) return netlink.error();
  const auto link = netlink.value()->link(index);
  if (!link) return link.error();
  switch (link.value().hardwareType) {
    case ARPHRD_ETHER: return kEthernetBytes;
    case ARPHRD_NONE:
    case ARPHRD_RAWIP: return 0u;
    default:
      return Error::make(ErrorCode::unsupported, owner + " can't read what comes in by " + device +
                                                     ": it takes Ethernet devices, and those without a link header");
  }
}

}  // namespace

Result<int> TcHooks::program(TcPlace place) {
  const std::lock_guard guard(lock_);
  return loaded(place);
}

Result<int> TcHooks::loaded(TcPlace place) {
  const auto known =
      std::find_if(programs_.begin(), programs_.end(), [&](const auto& each) { return each.first == place; });
  if (known != programs_.end()) return known->second.get();
  auto made = load_(place);
  if (!made) return made.error();
  programs_.emplace_back(place, std::move(made).value());
  return programs_.back().second.get();
}

Result<void> TcHooks::attach(const std::string& device, bool isIngress) {
  const std::lock_guard guard(lock_);
  const auto known = std::find_if(hooks_.begin(), hooks_.end(), [&](const Attached& hook) {
    return hook.device == device && hook.isIngress == isIngress;
  });
  if (known != hooks_.end() && holds(*known)) return {};
  auto made = attached(device, isIngress);
  if (!made) return made.error();
  if (known != hooks_.end()) {
    *known = std::move(made).value();
  } else {
    hooks_.push_back(std::move(made).value());
  }
  return {};
}

Result<TcHooks::Attached> TcHooks::attached(const std::string& device, bool isIngress) {
  const auto index = static_cast<int>(::if_nametoindex(device.c_str()));
  if (index == 0) return Error::fromErrno(errno, "if_nametoindex", owner_ + " finds no device " + device);
  TcPlace place{0, isIngress};
  if (isIngress) {
    const auto bytes = linkBytes(owner_, device, index);
    if (!bytes) return bytes.error();
    place.linkBytes = bytes.value();
  }
  const auto made = loaded(place);
  if (!made) return made.error();
  auto link = attachTcx(owner_, made.value(), index, isIngress);
  if (!link) return link.error();
  return Attached{device, isIngress, index, std::move(link).value()};
}

bool TcHooks::holds(const Attached& hook) {
  return tcxDevice(hook.link.get()) == hook.index &&
         static_cast<int>(::if_nametoindex(hook.device.c_str())) == hook.index;
}

void TcHooks::mend() {
  const std::lock_guard guard(lock_);
  for (Attached& hook : hooks_) {
    if (holds(hook)) continue;
    if (auto again = attached(hook.device, hook.isIngress)) hook = std::move(again).value();
  }
}

void TcHooks::clear() {
  const std::lock_guard guard(lock_);
  hooks_.clear();
}

std::vector<TcHook> TcHooks::list() const {
  const std::lock_guard guard(lock_);
  std::vector<TcHook> all;
  for (const Attached& hook : hooks_) all.push_back({hook.device, hook.isIngress, holds(hook)});
  return all;
}

}  // namespace tunvs
