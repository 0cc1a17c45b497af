#include "io/ring_port.h"

#include <net/if.h>

#include <cassert>
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

Error noDevice(const std::string& name) {
  return Error{ErrorCode::noDevice, kOwner + " finds no device " + name + ": name one that is there (ip link)", ENODEV,
               "netlink"};
}

// Invariant: what the sockets let in, nftables keeps from the host, but for the moment of a change: then the sockets
// let in what they did and what they are to let in, so that a packet may be seen twice, and is never lost.
class RingPort final : public Port {
 public:
  RingPort(std::string device, NftDrop drop, uint32_t mtu)
      : wanted_(std::move(device)), device_(wanted_), drop_(std::move(drop)), mtu_(mtu) {}

  Result<void> open(const PortOptions& options, PortContext& context) {
    QueueEgresses egresses(options, context, *this);
    for (size_t i = 0; i < options.queues; i++) {
      auto ring = PacketRing::make(mtu_);
      if (!ring) return ring.error();
      if (auto set = ring.value()->setFilter(ringFilter({})); !set) return set.error();
      rings_.push_back(std::make_unique<RingQueue>(std::move(ring).value(), options.maxPacketBytes));
    }
    if (auto bound = bind(); !bound) return bound.error();
    uint16_t group = 0;
    for (size_t i = 0; i < rings_.size(); i++) {
      if (rings_.size() > 1) {
        const auto joined = rings_[i]->ring().joinGroup(group);
        if (!joined) return joined.error();
        group = joined.value();
      }
      auto queue = egresses.compose(*rings_[i], i);
      if (!queue) return queue.error();
      queues_.push_back(std::move(queue).value());
    }
    egress_ = egresses.name();
    // Whether the kernel has what this needs is to be known now, and not with the first service.
    const AddressPrefix none = AddressPrefix::of(IpAddress::v4(0, 0, 0, 0));
    if (auto set = drop_.set(device_, isEthernet_, {&none, 1}); !set) return set.error();
    return drop_.set(device_, isEthernet_, {});
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
    const auto index = static_cast<int>(::if_nametoindex(wanted_.c_str()));
    char name[IF_NAMESIZE];
    const bool isThere = ::if_indextoname(static_cast<unsigned>(index_), name) != nullptr;
    // Some kernels take the chain with the device, and some leave it to whatever has the name.
    if (isThere && device_ != name) {
      device_ = name;
      isApplied_ = false;
    }
    if (!isThere && index_ != 0) forgetDevice();
    if (index_ == 0 && index != 0) {
      if (auto bound = bind(); bound) apply();
    } else if (!isApplied_) {
      apply();
    }
    for (const auto& ring : rings_) dropped_ += ring->ring().takeDrops();
    return {reason_.empty() || taken_.size() != 0, reason_, taken_.size(), dropped_};
  }

 private:
  Result<void> bind() {
    const auto index = static_cast<int>(::if_nametoindex(wanted_.c_str()));
    if (index == 0) return failed(noDevice(wanted_));
    const auto linkBytes = ingressLinkBytes(kOwner, wanted_, index);
    if (!linkBytes) return failed(linkBytes.error());
    isEthernet_ = linkBytes.value() != 0;
    for (const auto& ring : rings_) {
      if (auto bound = ring->ring().bindTo(index); !bound) return failed(bound.error());
    }
    index_ = index;
    device_ = wanted_;
    reason_.clear();
    return {};
  }
  Error failed(Error error) {
    reason_ = error.message;
    return error;
  }

  void forgetDevice() {
    index_ = 0;
    taken_.clear();
    isApplied_ = false;
    reason_ = kOwner + "'s device " + device_ + " is gone";
    (void)drop_.set(device_, isEthernet_, {});
    (void)setFilters({});
  }

  Result<void> setFilters(std::span<const AddressPrefix> prefixes) {
    const auto program = ringFilter(prefixes);
    for (const auto& ring : rings_) {
      if (auto set = ring->ring().setFilter(program); !set) return set;
    }
    return {};
  }

  void apply() {
    isApplied_ = false;
    if (index_ == 0) return;
    const auto fitting = fittingRingFilter(prefixes_);
    std::vector<AddressPrefix> both = taken_;
    both.insert(both.end(), fitting.begin(), fitting.end());
    const auto bothFitting = fittingRingFilter(both);
    Result<void> done;
    // Where both do not fit, what was taken goes by the host for a moment.
    if (bothFitting.size() < both.size()) done = drop_.set(device_, isEthernet_, {});
    if (done) done = setFilters(bothFitting.size() < both.size() ? fitting : bothFitting);
    if (done) done = drop_.set(device_, isEthernet_, fitting);
    if (done) done = setFilters(fitting);
    if (!done) {
      reason_ = done.error().message;
      if (auto back = setFilters(taken_); !back) taken_.clear();
      return;
    }
    isApplied_ = true;
    taken_.assign(fitting.begin(), fitting.end());
    reason_ = taken_.size() == prefixes_.size()
                  ? ""
                  : kOwner + " has no room for more than " + std::to_string(taken_.size()) + " of " +
                        std::to_string(prefixes_.size()) + " addresses; what is for the others goes by the host";
  }

  const std::string wanted_;
  std::string device_, egress_;
  NftDrop drop_;
  const uint32_t mtu_;
  bool isEthernet_ = true, isApplied_ = true;
  int index_ = 0;  // of the device to which the rings are bound; 0: none
  std::vector<AddressPrefix> prefixes_, taken_;
  std::string reason_;
  uint64_t dropped_ = 0;
  std::vector<std::unique_ptr<RingQueue>> rings_;
  std::vector<std::unique_ptr<ComposedQueue>> queues_;
};

}  // namespace

Result<std::unique_ptr<Port>> openRingPort(const PortOptions& options, PortContext& context) {
  assert(context.main != nullptr);
  auto netlink = Netlink::open();
  if (!netlink) return netlink.error();
  const auto link = netlink.value()->link(std::string_view(options.device));
  if (!link) return noDevice(options.device);
  auto drop = NftDrop::make("tunvs-" + context.main->name() + "-" + options.device);
  if (!drop) return drop.error();
  auto port = std::make_unique<RingPort>(options.device, std::move(drop).value(), link.value().mtu);
  if (auto opened = port->open(options, context); !opened) return opened.error();
  return std::unique_ptr<Port>(std::move(port));
}

}  // namespace tunvs
