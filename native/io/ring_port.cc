#include "io/ring_port.h"

#include <net/if.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <utility>

#include "io/compose_queue.h"
#include "io/os/coarse_clock.h"
#include "io/ring/nft_drop.h"
#include "io/ring/ring_filter.h"
#include "io/ring/ring_queue.h"
#include "io/route/ingress_device.h"
#include "io/route/netlink.h"

namespace tunvs {
namespace {

const std::string kOwner = "a ring";
// How often it is judged whether rings have come to a halt, how many times that may be within how long, and how long
// the host has the packets then.
constexpr uint64_t kJudgementMs = 900, kHaltsWithinMs = 60'000, kRestMs = 300'000;
constexpr uint64_t kRetryMs = 10'000;  // after a change could not be made
constexpr int kMostHalts = 3;

Error ours(const Error& error) { return {error.code, kOwner + ": " + error.message, error.errnoValue, error.syscall}; }

Error noDevice(const std::string& name) {
  return Error{ErrorCode::noDevice, kOwner + " finds no device " + name + ": name one that is there (ip link)", ENODEV,
               "netlink"};
}

// The kernel memory that a socket may have for its filters, bytes.
size_t filterMemory() {
  std::ifstream file("/proc/sys/net/core/optmem_max");
  size_t bytes = 0;
  return file >> bytes ? bytes : 20480;
}

bool isKernelAtLeast(int major, int minor) {
  utsname name{};
  int hasMajor = 0, hasMinor = 0;
  if (::uname(&name) != 0 || std::sscanf(name.release, "%d.%d", &hasMajor, &hasMinor) != 2) return false;
  return hasMajor != major ? hasMajor > major : hasMinor >= minor;
}

std::vector<AddressPrefix> eitherOf(std::span<const AddressPrefix> some, std::span<const AddressPrefix> others) {
  std::vector<AddressPrefix> all(some.begin(), some.end());
  for (const AddressPrefix& each : others) {
    if (std::find(some.begin(), some.end(), each) == some.end()) all.push_back(each);
  }
  return all;
}

// Invariant: what nftables keeps from the host, the sockets let in. In the moment of a change they let in more, so that
// a packet may be seen twice, and is never lost.
class RingPort final : public Port {
 public:
  RingPort(std::string device, NftDrop drop) : wanted_(std::move(device)), device_(wanted_), drop_(std::move(drop)) {}

  Result<void> open(const PortOptions& options, PortContext& context) {
    QueueEgresses egresses(options, context, *this);
    const auto index = static_cast<int>(::if_nametoindex(wanted_.c_str()));
    if (index == 0) return noDevice(wanted_);
    auto rings = makeRings(options.queues, index, wanted_);
    if (!rings) return rings.error();
    for (auto& ring : rings.value()) {
      rings_.push_back({ring.get(), std::nullopt});
      reads_.push_back(std::make_unique<RingQueue>(std::move(ring)));
      auto queue = egresses.compose(*reads_.back(), queues_.size());
      if (!queue) return queue.error();
      queues_.push_back(std::move(queue).value());
    }
    egress_ = egresses.name();
    // Whether the kernel has what this needs is to be known now, and not with the first service.
    const AddressPrefix none = AddressPrefix::of(IpAddress::v4(0, 0, 0, 0));
    if (auto set = drop_.set(device_, {&none, 1}, filter_); !set) return set.error();
    return drop_.set(device_, {}, filter_);
  }

  const std::string& name() const override { return device_; }
  bool attached() const override { return true; }
  std::string_view egress() const override { return egress_; }
  size_t queueCount() const override { return queues_.size(); }
  PortQueue& queue(size_t index) override { return *queues_[index]; }
  size_t maxPacketBytes() const override { return kMaxPacketBytes; }

  void setPrefixes(std::vector<AddressPrefix> prefixes) override {
    prefixes_ = std::move(prefixes);
    apply();
  }

  PortState look() override {
    followDevice();
    const uint64_t nowMs = coarseNowMs();
    bool wasRenewed = false;
    if (index_ == 0) {
      const auto index = static_cast<int>(::if_nametoindex(wanted_.c_str()));
      if (index != 0 && nowMs >= restsUntilMs_) wasRenewed = renew(index, wanted_);
    } else if (nowMs - judgedMs_ >= kJudgementMs) {
      judgedMs_ = nowMs;
      if (hasHalted()) wasRenewed = mendHalt(nowMs);
    }
    if (index_ != 0 && !isApplied_) apply();
    uint64_t dropped = dropped_;
    for (const auto& queue : reads_) {
      dropped += queue->dropped();
      queue->closeReplaced();
    }
    return {reason_.empty() || !taken_.empty(), reason_, taken_.size(), dropped, wasRenewed};
  }

 private:
  // The newest ring of a queue. Once it has dropped packets: how many it had shown then.
  struct Looked {
    PacketRing* ring;
    std::optional<uint64_t> takenAtDrops;
  };

  void followDevice() {
    if (index_ == 0) return;
    char name[IF_NAMESIZE];
    if (::if_indextoname(static_cast<unsigned>(index_), name) == nullptr) {
      if (errno == ENXIO || errno == ENODEV) leave(kOwner + "'s device " + device_ + " is gone");
    } else if (device_ != name) {
      // Some kernels take the chain off the device, and some leave it.
      device_ = name;
      isApplied_ = false;
    }
  }

  // Makes rings that see what comes in by a device, and let nothing in yet.
  Result<std::vector<std::unique_ptr<PacketRing>>> makeRings(size_t count, int index, const std::string& device) {
    const auto linkBytes = ingressLinkBytes(kOwner, device, index);
    if (!linkBytes) return linkBytes.error();
    auto netlink = Netlink::open();
    if (!netlink) return ours(netlink.error());
    const auto link = netlink.value()->link(index);
    if (!link) return ours(link.error());
    if ((link.value().flags & IFF_UP) == 0 && count > 1 && !isKernelAtLeast(6, 13))
      return Error::make(ErrorCode::unsupported, kOwner + ": before Linux 6.13 " + device +
                                                     " has to be up to have more than one queue (ip link set " +
                                                     device + " up)");
    filter_ = {linkBytes.value(), isKernelAtLeast(6, 2)};
    std::vector<std::unique_ptr<PacketRing>> rings;
    std::optional<uint16_t> group;
    for (size_t i = 0; i < count; i++) {
      auto ring = PacketRing::make(link.value().mtu);
      if (!ring) return ours(ring.error());
      if (auto set = ring.value()->setFilter(ringFilter({}, filter_)); !set) return ours(set.error());
      if (auto bound = ring.value()->bindTo(index); !bound) return ours(bound.error());
      if (count > 1) {
        const auto joined = ring.value()->joinGroup(group);
        if (!joined) return ours(joined.error());
        group = joined.value();
      }
      rings.push_back(std::move(ring).value());
    }
    index_ = index;
    device_ = device;
    return rings;
  }

  // Has the workers go on with new rings: a socket that shares packets with others is never bound again.
  bool renew(int index, const std::string& device) {
    leave("");
    if (index_ != 0) return false;
    auto made = makeRings(reads_.size(), index, device);
    if (!made) {
      reason_ = made.error().message;
      return false;
    }
    for (size_t i = 0; i < reads_.size(); i++) {
      rings_[i] = {made.value()[i].get(), std::nullopt};
      reads_[i]->replace(std::move(made.value()[i]));
    }
    return true;
  }

  // The kernel leaves the place of a packet behind that it can't describe, and then every other one finds it taken. So
  // a ring that has dropped packets, drops more a while later, and has shown none between, has come to a halt.
  bool hasHalted() {
    bool hasHalted = false;
    for (auto& [ring, takenAtDrops] : rings_) {
      const uint64_t taken = ring->taken(), drops = ring->takeDrops();
      dropped_ += drops;
      hasHalted |= drops != 0 && takenAtDrops == taken;
      if (drops != 0 || takenAtDrops != taken) takenAtDrops = drops != 0 ? std::optional(taken) : std::nullopt;
    }
    return hasHalted;
  }

  // Where it happens again and again, the host has the packets for a while.
  bool mendHalt(uint64_t nowMs) {
    if (nowMs - firstHaltMs_ > kHaltsWithinMs) {
      firstHaltMs_ = nowMs;
      halts_ = 0;
    }
    if (++halts_ < kMostHalts) return renew(index_, device_);
    restsUntilMs_ = nowMs + kRestMs;
    leave(kOwner + " of what comes in by " + device_ + " has come to a halt again and again, as at packets that the " +
          "kernel can't describe to it (docs/rings.md); the host has them for some minutes");
    return false;
  }

  // Nothing is taken until the rings are made anew, and all goes by the host.
  void leave(const std::string& why) {
    isApplied_ = false;
    reason_ = why;
    // While nftables keeps packets from the host, somebody has to take them.
    if (auto set = drop_.set(device_, {}, filter_); !set) {
      reason_ = set.error().message;
      return;
    }
    index_ = 0;
    taken_.clear();
    const auto program = ringFilter({}, filter_);
    for (size_t i = 0; i < reads_.size(); i++) {
      reads_[i]->pause();
      (void)rings_[i].ring->setFilter(program);  // it only spares the worker what it throws away
    }
  }

  Result<void> setFilters(std::span<const AddressPrefix> prefixes) {
    const auto program = ringFilter(prefixes, filter_);
    for (const Looked& each : rings_) {
      if (auto set = each.ring->setFilter(program); !set) return ours(set.error());
    }
    return {};
  }

  void apply() {
    isApplied_ = false;
    if (index_ == 0) return;
    const size_t memory = filterMemory();
    const auto fitting = fittingRingFilter(prefixes_, memory);
    const std::vector<AddressPrefix> both = eitherOf(taken_, fitting);
    // Where both do not fit, what was taken goes by the host for a moment.
    const bool fits = fittingRingFilter(both, memory).size() == both.size();
    Result<void> done;
    if (!fits) done = drop_.set(device_, {}, filter_);
    if (done) done = setFilters(fits ? std::span<const AddressPrefix>(both) : fitting);
    if (done) done = drop_.set(device_, fitting, filter_);
    if (!done) {
      restsUntilMs_ = coarseNowMs() + kRetryMs;
      return leave(done.error().message);
    }
    taken_.assign(fitting.begin(), fitting.end());
    isApplied_ = true;
    // When this fails, the sockets let in what nobody wants any more.
    (void)setFilters(taken_);
    reason_ = taken_.size() == prefixes_.size()
                  ? ""
                  : kOwner + " has no room for more than " + std::to_string(taken_.size()) + " of " +
                        std::to_string(prefixes_.size()) + " addresses; what is for the others goes by the host";
  }

  const std::string wanted_;
  std::string device_, egress_;
  NftDrop drop_;
  RingFilterOptions filter_;
  bool isApplied_ = true;
  int index_ = 0;  // of the device to which the rings are bound; 0: none
  std::vector<AddressPrefix> prefixes_, taken_;
  std::string reason_;
  uint64_t dropped_ = 0;
  uint64_t judgedMs_ = 0, firstHaltMs_ = 0, restsUntilMs_ = 0;
  int halts_ = 0;
  std::vector<Looked> rings_;
  std::vector<std::unique_ptr<RingQueue>> reads_;
  std::vector<std::unique_ptr<ComposedQueue>> queues_;
};

}  // namespace

Result<std::unique_ptr<Port>> openRingPort(const PortOptions& options, PortContext& context) {
  assert(context.main != nullptr);
  auto drop = NftDrop::make("tunvs-" + context.main->name() + "-" + options.device);
  if (!drop) return ours(drop.error());
  auto port = std::make_unique<RingPort>(options.device, std::move(drop).value());
  if (auto opened = port->open(options, context); !opened) return opened.error();
  return std::unique_ptr<Port>(std::move(port));
}

}  // namespace tunvs
