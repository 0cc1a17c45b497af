#include "realserver/decap_path.h"

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "io/os/possible_cpus.h"
#include "io/tc/bpf_calls.h"
#include "io/tc/tc_names.h"
#include "realserver/decap_program.h"

namespace tunvs {
namespace {

const std::string kOwner = "the decapsulator";
constexpr uint64_t kSweepMs = 1000;
constexpr uint64_t kRetryMs = 60'000;  // after the program could not be attached
constexpr size_t kMostDevices = 256;

DecapAddress keyOf(const IpAddress& address) {
  DecapAddress key{};
  std::memcpy(key.address, address.bytes.data(), address.family == Family::ipv4 ? 4 : 16);
  key.isIpv6 = address.family == Family::ipv6 ? 1 : 0;
  return key;
}

}  // namespace

bool DecapPath::Less::operator()(const DecapTunnel& a, const DecapTunnel& b) const {
  return std::memcmp(&a, &b, sizeof a) < 0;
}

Result<std::unique_ptr<DecapPath>> DecapPath::create(int device, const DecapRules& rules, bool takesGue) {
  const auto way = findTcWay(kOwner);
  if (!way) return way.error();
  const auto virtualAddresses = rules.virtualAddresses();
  auto tunnels = makeBpfHash(kOwner + "'s tunnels", sizeof(DecapTunnel), sizeof(uint32_t), kMostTunnels);
  if (!tunnels) return tunnels.error();
  auto addresses = makeBpfHash(kOwner + "'s addresses", sizeof(DecapAddress), sizeof(uint32_t),
                               static_cast<uint32_t>(virtualAddresses.size()));
  if (!addresses) return addresses.error();
  auto tallies = BpfArray<DecapTally>::make(kOwner + "'s tallies", possibleCpus());
  if (!tallies) return tallies.error();
  auto life = LifeLine::make(kOwner);
  if (!life) return life.error();
  std::unique_ptr<DecapPath> made(new DecapPath(std::move(tunnels).value(), std::move(addresses).value(),
                                                std::move(tallies).value(), std::move(life).value(), way.value(),
                                                device, takesGue));
  for (const IpAddress& address : virtualAddresses) {
    const DecapAddress key = keyOf(address);
    const uint32_t isThere = 1;
    if (!setBpfEntry(made->addressMap_.get(), &key, &isThere))
      return Error::fromErrno(errno, "bpf", "can't fill the decapsulator's addresses");
  }
  // The kernel looks through a program when it is loaded, so that what it would refuse is known here.
  if (auto loaded = made->hooks_.program({14, true}); !loaded) return loaded.error();
  made->life_.extend();
  return made;
}

DecapPath::DecapPath(UniqueFd tunnels, UniqueFd addresses, BpfArray<DecapTally> tallies, LifeLine life, TcWay way,
                     int device, bool takesGue)
    : tunnelMap_(std::move(tunnels)),
      addressMap_(std::move(addresses)),
      tallies_(std::move(tallies)),
      life_(std::move(life)),
      device_(device),
      takesGue_(takesGue),
      probe_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)),
      hooks_(kOwner, kDecapName, way, [this](TcPlace place) {
        DecapConstants constants{};
        constants[kDecapLinkBytes] = place.linkBytes;
        constants[kDecapDevice] = static_cast<uint64_t>(device_);
        constants[kDecapMayOutlive] = hooks_.mayOutliveUs() ? 1 : 0;
        constants[kDecapTakesGue] = takesGue_ ? 1 : 0;
        const DecapMapDescriptors maps{tunnelMap_.get(), addressMap_.get(), tallies_.descriptor(), life_.descriptor()};
        return loadTcProgram(kOwner, kDecapName, decapProgram(constants, maps));
      }) {}

bool DecapPath::attach(uint32_t interfaceIndex, uint64_t nowMs) {
  if (const auto known = devices_.find(interfaceIndex); known != devices_.end()) return !known->second;
  if (devices_.size() >= kMostDevices) return false;
  char name[IF_NAMESIZE];
  const bool isAttached = ::if_indextoname(interfaceIndex, name) != nullptr && hooks_.attach(name, true).ok();
  devices_[interfaceIndex] = isAttached ? std::nullopt : std::optional(nowMs);
  return isAttached;
}

void DecapPath::vouch(const DecapTunnel& tunnel, uint64_t nowMs) {
  if (tunnels_.contains(tunnel) || tunnels_.size() >= kMostTunnels || hasEnded_) return;
  if (!attach(tunnel.interfaceIndex, nowMs)) return;
  const uint32_t isThere = 1;
  if (setBpfEntry(tunnelMap_.get(), &tunnel, &isThere)) tunnels_[tunnel] = nowMs;
}

void DecapPath::forget(const std::function<bool(uint64_t sinceMs)>& isOld) {
  std::erase_if(tunnels_, [&](const auto& entry) {
    if (!isOld(entry.second)) return false;
    deleteBpfEntry(tunnelMap_.get(), &entry.first);
    return true;
  });
}

bool DecapPath::isDeviceUp() const {
  ifreq request{};
  if (::if_indextoname(static_cast<unsigned>(device_), request.ifr_name) == nullptr) return false;
  return ::ioctl(probe_.get(), SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_UP) != 0;
}

void DecapPath::sweep(uint64_t nowMs) {
  if (nowMs - sweptMs_ < kSweepMs || hasEnded_) return;
  sweptMs_ = nowMs;
  life_.extend();
  const bool isUp = isDeviceUp();
  forget([&](uint64_t sinceMs) { return !isUp || nowMs - sinceMs >= kVouchedMs; });
  std::erase_if(devices_, [&](const auto& device) {
    char name[IF_NAMESIZE];
    return (device.second && nowMs - *device.second >= kRetryMs) || ::if_indextoname(device.first, name) == nullptr;
  });
  hooks_.mend(TcHooks::Look::quick);
}

void DecapPath::end() {
  hasEnded_ = true;
  forget([](uint64_t) { return true; });
  hooks_.clear();
}

DecapPath::Counts DecapPath::counts() const {
  Counts sum;
  const auto read = [](const DecapU64& from) { return __atomic_load_n(&from, __ATOMIC_RELAXED); };
  for (const DecapTally& each : tallies_.lines()) {
    sum.packets += read(each.packets);
    sum.bytes += read(each.bytes);
    sum.superPackets += read(each.superPackets);
  }
  return sum;
}

}  // namespace tunvs
