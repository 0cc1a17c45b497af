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
      const bool isFirst = context.main == nullptr && i == 0;
      auto egress = openEgress(egress_, context.egress, isFirst ? &context.passedOver : nullptr);
      if (!egress) return egress.error();
      // All queues send the same way: the first finds an egress by trying, and the others take it by name.
      egress_ = egress.value()->name();
      queues_.push_back(std::make_unique<ComposedQueue>(device_->queue(i), std::move(egress).value(),
                                                        std::make_unique<TunEgress>(written)));
    }
    return {};
  }

  const std::string& name() const override { return device_->name(); }
  bool attached() const override { return device_->attached(); }
  std::string_view egress() const override { return egress_; }
  size_t queueCount() const override { return device_->queueCount(); }
  PortQueue& queue(size_t index) override { return *queues_[index]; }
  size_t maxPacketBytes() const override { return device_->maxPacketBytes(); }
  int tunDescriptor(size_t index) const override { return device_->descriptor(index); }

 private:
  std::unique_ptr<TunDevice> device_;
  std::string egress_;
  std::vector<std::unique_ptr<ComposedQueue>> queues_;
};

}  // namespace

Result<std::unique_ptr<Port>> openTunPort(const PortOptions& options, PortContext& context) {
  auto device =
      TunDevice::open({.name = options.device, .queues = options.queues, .maxPacketBytes = options.maxPacketBytes});
  if (!device) return device.error();
  auto port = std::make_unique<TunPort>(std::move(device).value());
  if (auto opened = port->openQueues(options, context); !opened) return opened.error();
  return std::unique_ptr<Port>(std::move(port));
}

}  // namespace tunvs
