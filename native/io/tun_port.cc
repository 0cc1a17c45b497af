#include "io/tun_port.h"

#include <utility>

#include "io/compose_queue.h"
#include "io/tun/tun_device.h"

namespace tunvs {
namespace {

// Members are declared so that queues are destroyed before the device that they read.
class TunPort final : public Port {
 public:
  explicit TunPort(std::unique_ptr<TunDevice> device) : device_(std::move(device)) {}

  Result<void> openQueues(const PortOptions& options, PortContext& context) {
    QueueEgresses egresses(options, context, *this);
    for (size_t i = 0; i < queueCount(); i++) {
      auto queue = egresses.compose(device_->queue(i), i);
      if (!queue) return queue.error();
      queues_.push_back(std::move(queue).value());
    }
    egress_ = egresses.name();
    sendsTrains_ = egresses.sendsTrains();
    gue_ = {std::string(kOffloadFeatureNames[static_cast<size_t>(OffloadFeature::gue)]), sendsTrains_, ""};
    if (sendsTrains_) return {};
    gue_.reason = !options.offloads.allows(OffloadFeature::gue) ? "not asked for"
                  : egress_ != "packet" ? "only the packet egress sends trains, and the egress is '" + egress_ + "'"
                                        : "this kernel takes no virtio headers from packet sockets";
    if (!options.offloads.demands(OffloadFeature::gue)) return {};
    return Error::make(ErrorCode::unsupported, "offload 'gue' does not work here: " + gue_.reason +
                                                   ": leave it out of the offloads, or give 'auto'");
  }

  const std::string& name() const override { return device_->name(); }
  bool attached() const override { return device_->attached(); }
  std::string_view steering() const override { return toString(device_->steering()); }
  std::string_view egress() const override { return egress_; }
  size_t queueCount() const override { return device_->queueCount(); }
  PortQueue& queue(size_t index) override { return *queues_[index]; }
  size_t maxPacketBytes() const override { return device_->maxPacketBytes(); }
  int tunDescriptor(size_t index) const override { return device_->descriptor(index); }
  void leave() override { device_->leave(); }
  bool hasVnetHeader() const override { return device_->offloads().hasHeader; }
  std::vector<OffloadState> offloads() const override {
    std::vector<OffloadState> all = device_->offloads().states;
    all.push_back(gue_);
    return all;
  }

 private:
  std::unique_ptr<TunDevice> device_;
  std::string egress_;
  bool sendsTrains_ = false;
  OffloadState gue_;
  std::vector<std::unique_ptr<ComposedQueue>> queues_;
};

}  // namespace

Result<std::unique_ptr<Port>> openTunPort(const PortOptions& options, PortContext& context) {
  auto device = TunDevice::open({.name = options.device,
                                 .queues = options.queues,
                                 .maxPacketBytes = options.maxPacketBytes,
                                 .offloads = options.offloads,
                                 .steersByProgram = options.steersByProgram,
                                 .given = options.given,
                                 .wasAttached = options.wasAttached});
  if (!device) return device.error();
  auto port = std::make_unique<TunPort>(std::move(device).value());
  if (auto opened = port->openQueues(options, context); !opened) return opened.error();
  return std::unique_ptr<Port>(std::move(port));
}

}  // namespace tunvs
