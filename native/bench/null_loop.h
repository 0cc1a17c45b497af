// The null loop: the yardstick of a director on a device. The same device, vector and egress as the engine's worker,
// doing nothing but the outer header towards one real server: no parsing, no checks, no connection.
//
// Thread safety: one control thread; sent() and cpu() by anybody.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "engine/worker.h"
#include "io/egress_list.h"
#include "io/tun/tun_device.h"

namespace tunvs::bench {

struct NullLoopOptions {
  TunOptions device;
  std::string egress = "auto";
  IpAddress source;  // DIP, IPv4
  IpAddress server;  // RIP, IPv4
};

class NullLoop {
 public:
  // Opens the device and an egress per queue, and starts a thread per queue.
  static Result<std::unique_ptr<NullLoop>> start(const NullLoopOptions& options);
  // Ends the threads; the device goes when it was created.
  ~NullLoop();

  const std::string& device() const { return device_->name(); }
  const std::string& egress() const { return egress_; }
  uint64_t received() const;
  uint64_t sent() const;
  // As of each thread's last look at its clock, at most about 100 ms ago.
  CpuTime cpu() const;

 private:
  class Thread;
  explicit NullLoop(std::unique_ptr<TunDevice> device);

  std::unique_ptr<TunDevice> device_;
  std::string egress_;
  std::vector<std::unique_ptr<Thread>> threads_;  // goes before the device
};

}  // namespace tunvs::bench
