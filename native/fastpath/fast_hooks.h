// Where the fast path's program is attached: at the egress of TUN devices, and at the ingress of devices by which
// packets come in. A device may go and come back under its name; then mend() attaches the program again.
//
// Thread safety: any thread makes any call.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "core/result.h"
#include "io/os/unique_fd.h"

namespace tunvs {

// What the program has to know of the place where it runs.
struct FastPlace {
  uint32_t linkBytes = 0;  // in front of IP headers: 14 at an Ethernet device, 0 at a TUN device
  bool isIngress = false;  // the host has not routed the packet yet
  friend bool operator==(const FastPlace&, const FastPlace&) = default;
};

struct FastHook {
  std::string device;
  bool isIngress;
  bool isAttached;
};

class FastHooks {
 public:
  // Loads the program for a place.
  using Load = std::function<Result<UniqueFd>(FastPlace)>;
  explicit FastHooks(Load load) : load_(std::move(load)) {}

  // Returns the descriptor of the program for a place, which is loaded once.
  Result<int> program(FastPlace place);
  Result<void> attach(const std::string& device, bool isIngress);
  void mend();
  // Detaches the program everywhere; it stays loaded.
  void clear();
  std::vector<FastHook> list() const;

 private:
  struct Attached {
    std::string device;
    bool isIngress;
    int index;
    UniqueFd link;
  };
  Result<int> loaded(FastPlace place);
  Result<Attached> attached(const std::string& device, bool isIngress);
  static bool holds(const Attached& hook);

  const Load load_;
  mutable std::mutex lock_;  // of all that follows
  std::vector<std::pair<FastPlace, UniqueFd>> programs_;
  std::vector<Attached> hooks_;
};

}  // namespace tunvs
