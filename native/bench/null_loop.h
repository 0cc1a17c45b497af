// The null loop: the yardstick of a director on a device. The same port and vector as the engine's worker,
// doing nothing but the outer header towards one real server: no parsing, no checks, no connection.
//
// Thread safety: one control thread; sent() and cpu() by anybody.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "engine/worker.h"
#include "io/port_list.h"

namespace tunvs::bench {

struct NullLoopOptions {
  PortOptions port;
  IpAddress source;  // DIP, IPv4
  IpAddress server;  // RIP, IPv4
};

class NullLoop {
 public:
  // Opens the port and starts a thread per queue.
  static Result<std::unique_ptr<NullLoop>> start(const NullLoopOptions& options);
  // Ends the threads; the device goes when it was created.
  ~NullLoop();

  const std::string& device() const { return port_->name(); }
  std::string_view egress() const { return port_->egress(); }
  uint64_t received() const;
  uint64_t sent() const;
  // As of each thread's last look at its clock, at most about 100 ms ago.
  CpuTime cpu() const;

 private:
  class Thread;
  explicit NullLoop(std::unique_ptr<Port> port);

  std::unique_ptr<Port> port_;
  std::vector<std::unique_ptr<Thread>> threads_;  // goes before the port
};

}  // namespace tunvs::bench
