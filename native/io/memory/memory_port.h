// A MemoryPort is a port in memory: what is pushed is read, and what is sent is kept or counted.
//
// Thread safety: as MemoryDevice and MemoryEgress.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "io/memory/memory_device.h"
#include "io/memory/memory_egress.h"
#include "io/port/composed_queue.h"

namespace tunvs {

class MemoryPort final : public Port {
 public:
  explicit MemoryPort(size_t queues, size_t maxPacketBytes = kMaxPacketBytes,
                      MemoryEgress::Mode mode = MemoryEgress::Mode::keep)
      : device_(queues, maxPacketBytes) {
    for (size_t i = 0; i < queues; i++) {
      auto out = std::make_unique<MemoryEgress>(mode), host = std::make_unique<MemoryEgress>(mode);
      outs_.push_back(out.get());
      hosts_.push_back(host.get());
      queues_.push_back(std::make_unique<ComposedQueue>(device_.queue(i), std::move(out), std::move(host)));
    }
  }

  MemoryDevice& device() { return device_; }
  // out() takes what goes to real servers and clients, host() what goes to the host itself. REQUIRES: queue <
  // queueCount()
  MemoryEgress& out(size_t queue) { return *outs_[queue]; }
  MemoryEgress& host(size_t queue) { return *hosts_[queue]; }

  const std::string& name() const override { return device_.name(); }
  std::string_view egress() const override { return "memory"; }
  size_t queueCount() const override { return queues_.size(); }
  PortQueue& queue(size_t index) override { return *queues_[index]; }
  size_t maxPacketBytes() const override { return device_.maxPacketBytes(); }

 private:
  MemoryDevice device_;
  std::vector<std::unique_ptr<ComposedQueue>> queues_;
  std::vector<MemoryEgress*> outs_, hosts_;  // owned by the queues
};

}  // namespace tunvs
