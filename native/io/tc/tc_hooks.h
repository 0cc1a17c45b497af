// Where a TC program is attached: at the egress or the ingress of devices. A device may go and come back under its
// name; then mend() attaches the program again.
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
struct TcPlace {
  uint32_t linkBytes = 0;  // in front of IP headers: 14 at an Ethernet device, 0 at a TUN device
  bool isIngress = false;  // the host has not routed the packet yet
  friend bool operator==(const TcPlace&, const TcPlace&) = default;
};

struct TcHook {
  std::string device;
  bool isIngress;
  bool isAttached;
};

class TcHooks {
 public:
  // Loads the program for a place.
  using Load = std::function<Result<UniqueFd>(TcPlace)>;
  // `owner` names whose program it is, in errors: "the fast path".
  TcHooks(std::string owner, Load load) : owner_(std::move(owner)), load_(std::move(load)) {}

  // Returns the descriptor of the program for a place, which is loaded once.
  Result<int> program(TcPlace place);
  Result<void> attach(const std::string& device, bool isIngress);
  void mend();
  // Detaches the program everywhere; it stays loaded.
  void clear();
  std::vector<TcHook> list() const;

 private:
  struct Attached {
    std::string device;
    bool isIngress;
    int index;
    UniqueFd link;
  };
  Result<int> loaded(TcPlace place);
  Result<Attached> attached(const std::string& device, bool isIngress);
  static bool holds(const Attached& hook);

  const std::string owner_;
  const Load load_;
  mutable std::mutex lock_;  // of all that follows
  std::vector<std::pair<TcPlace, UniqueFd>> programs_;
  std::vector<Attached> hooks_;
};

}  // namespace tunvs
