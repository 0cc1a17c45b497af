#include "io/tun_port.h"

#include <utility>

#include "io/port/composed_queue.h"
#include "io/tun/tun_device.h"
#include "io/tun/tun_egress.h"

namespace tunvs {
namespace {

// Members are declared so that queues are destroyed before the device that they read.
class TunPort final : public Port {
 public:
  explicit TunPort(std::unique_ptr<TunDevice> device) : device_(std::move(device)) {}

  Result<void> openQueues(const PortOptions& options, PortContext& context) {
    const Port& main = context.main == nullptr ? *this : *context.main;
    egress_ = context.main == nullptr ? options.egress : main.egress();
    for (size_t i = 0; i < queueCount(); i++) {
      // What is written comes out of the main device, whichever port it came by, so that the host's rules need to know
      // only one.
      const int written = main.tunDescriptor(i % main.queueCount());
      context.egress.tunDescriptor = written;
      context.egress.hasVnetHeader = main.hasVnetHeader();
      context.egress.sendsTrains = options.offloads.allows(OffloadFeature::gue);
      const bool isFirst = context.main == nullptr && i == 0;
      auto egress = openEgress(egress_, context.egress, isFirst ? &context.passedOver : nullptr);
      if (!egress) return egress.error();
      // All queues send the same way: the first finds an egress by trying, and the others take it by name.
      egress_ = egress.value()->name();
      if (i == 0) sendsTrains_ = egress.value()->sendsTrains();
      queues_.push_back(std::make_unique<ComposedQueue>(device_->queue(i), std::move(egress).value(),
                                                        std::make_unique<TunEgress>(written, main.hasVnetHeader())));
    }
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
                                 .steersByProgram = options.steersByProgram});
  if (!device) return device.error();
  auto port = std::make_unique<TunPort>(std::move(device).value());
  if (auto opened = port->openQueues(options, context); !opened) return opened.error();
  return std::unique_ptr<Port>(std::move(port));
}

}  // namespace tunvs
