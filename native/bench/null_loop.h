// The null loop is the yardstick of a director on a device. It has the same port and the same vector as the engine's
// worker, but only writes the outer header towards one real server: no parsing, no checks, no connection.
//
// Thread safety: one control thread; any thread may call sent() and cpu().
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
  // Opens the port and starts a thread for each queue.
  static Result<std::unique_ptr<NullLoop>> start(const NullLoopOptions& options);
  // Ends the threads, and removes the device if start() created it.
  ~NullLoop();

  const std::string& device() const { return port_->name(); }
  std::string_view egress() const { return port_->egress(); }
  uint64_t received() const;
  uint64_t sent() const;
  // Sums what each thread noted when it last read its clock, at most about 100 ms ago.
  CpuTime cpu() const;

 private:
  class Thread;
  explicit NullLoop(std::unique_ptr<Port> port);

  std::unique_ptr<Port> port_;
  std::vector<std::unique_ptr<Thread>> threads_;  // destroyed before the port
};

}  // namespace tunvs::bench
