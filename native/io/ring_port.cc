#include "io/ring_port.h"

#include <net/if.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cassert>
#include <cstdio>
#include <fstream>
#include <utility>

#include "io/compose_queue.h"
#include "io/ring/nft_drop.h"
#include "io/ring/ring_filter.h"
#include "io/ring/ring_queue.h"
#include "io/route/ingress_device.h"
#include "io/route/netlink.h"

namespace tunvs {
namespace {

const std::string kOwner = "a ring";

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
    auto rings = makeRings(options.queues);
    if (!rings) return rings.error();
    for (auto& ring : rings.value()) {
      rings_.push_back({ring.get(), 0});
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
    char name[IF_NAMESIZE];
    const bool isThere = index_ != 0 && ::if_indextoname(static_cast<unsigned>(index_), name) != nullptr;
    // Some kernels take the chain with the device, and some leave it to whatever has the name.
    if (isThere && device_ != name) {
      device_ = name;
      isApplied_ = false;
    }
    if (!isThere && index_ != 0) forgetDevice();
    const bool isBack = index_ == 0 && ::if_nametoindex(wanted_.c_str()) != 0;
    const bool wasRenewed = (isBack || hasHalted()) && renew();
    if (index_ != 0 && !isApplied_) apply();
    uint64_t dropped = dropped_;
    for (const auto& queue : reads_) dropped += queue->dropped();
    return {reason_.empty() || !taken_.empty(), reason_, taken_.size(), dropped, wasRenewed};
  }

 private:
  // The newest ring of a queue, and how many packets it had shown at the last look.
  struct Looked {
    PacketRing* ring;
    uint64_t taken;
  };

  // Makes rings that see what comes in by the wanted device, and let nothing in yet.
  Result<std::vector<std::unique_ptr<PacketRing>>> makeRings(size_t count) {
    const auto index = static_cast<int>(::if_nametoindex(wanted_.c_str()));
    if (index == 0) return noDevice(wanted_);
    const auto linkBytes = ingressLinkBytes(kOwner, wanted_, index);
    if (!linkBytes) return linkBytes.error();
    auto netlink = Netlink::open();
    if (!netlink) return ours(netlink.error());
    const auto link = netlink.value()->link(index);
    if (!link) return ours(link.error());
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
    device_ = wanted_;
    return rings;
  }

  // Has the workers go on with new rings: a socket that shares packets with others is never bound again.
  bool renew() {
    (void)drop_.set(device_, {}, filter_);
    taken_.clear();
    isApplied_ = false;
    auto made = makeRings(reads_.size());
    if (!made) {
      reason_ = made.error().message;
      index_ = 0;
      return false;
    }
    for (size_t i = 0; i < reads_.size(); i++) {
      rings_[i] = {made.value()[i].get(), 0};
      reads_[i]->replace(std::move(made.value()[i]));
    }
    reason_.clear();
    return true;
  }

  // The kernel leaves the place of a packet behind that it can't describe, and then every other one finds it taken. So
  // a ring that drops packets and shows none has come to a halt.
  bool hasHalted() {
    bool hasHalted = false;
    for (auto& [ring, takenAtLook] : rings_) {
      const uint64_t taken = ring->taken(), drops = ring->takeDrops();
      dropped_ += drops;
      hasHalted |= drops != 0 && taken == takenAtLook;
      takenAtLook = taken;
    }
    return hasHalted && index_ != 0;
  }

  void forgetDevice() {
    index_ = 0;
    taken_.clear();
    isApplied_ = false;
    reason_ = kOwner + "'s device " + device_ + " is gone";
    (void)drop_.set(device_, {}, filter_);
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
    if (!done) return leaveAll(done.error());
    taken_.assign(fitting.begin(), fitting.end());
    isApplied_ = true;
    // When this fails, the sockets let in what nobody wants any more.
    (void)setFilters(taken_);
    reason_ = taken_.size() == prefixes_.size()
                  ? ""
                  : kOwner + " has no room for more than " + std::to_string(taken_.size()) + " of " +
                        std::to_string(prefixes_.size()) + " addresses; what is for the others goes by the host";
  }

  // Nothing is taken, and all goes by the host.
  void leaveAll(const Error& why) {
    reason_ = why.message;
    taken_.clear();
    (void)setFilters({});
    (void)drop_.set(device_, {}, filter_);
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
