// Where a TC program is attached: at the egress or the ingress of devices. The program stays with its device when that
// is renamed. When the device of an ingress goes and another comes under the name that was wanted, mend() attaches the
// program there; a device that the program sends from is its owner's, and has no successor.
//
// Thread safety: any thread calls list(), which makes no system call; one thread at a time calls the rest.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "core/result.h"
#include "io/os/unique_fd.h"
#include "io/tc/tc_attachment.h"

namespace tunvs {

// What the program has to know of the place where it runs.
struct TcPlace {
  uint32_t linkBytes = 0;  // in front of IP headers: 14 at an Ethernet device, 0 at a TUN device
  bool isIngress = false;  // the host has not routed the packet yet
  friend bool operator==(const TcPlace&, const TcPlace&) = default;
};

struct TcHook {
  std::string device;  // its name now; once it has gone, the last one
  bool isIngress;
  bool isAttached;
  std::string reason;  // why it is not; "" when it is
};

class TcHooks {
 public:
  // How closely mend() looks. A link that somebody has detached shows only in a call that waits for the kernel's lock
  // of all devices.
  enum class Look : uint8_t { quick, thorough };
  // Loads the program for a place.
  using Load = std::function<Result<UniqueFd>(TcPlace)>;
  // `owner` names whose program it is, in errors: "the fast path". `name` is what it is called in the kernel's lists.
  TcHooks(std::string owner, std::string name, TcWay way, Load load)
      : owner_(std::move(owner)), name_(std::move(name)), way_(way), load_(std::move(load)) {}
  // With a filter, the program may outlive its process: it has to look whether that is alive (bpf/life.h).
  bool mayOutliveUs() const { return way_ == TcWay::filter; }

  // Returns the descriptor of the program for a place, which is loaded once.
  Result<int> program(TcPlace place);
  // Does nothing when the program is there already.
  Result<void> attach(const std::string& device, bool isIngress);
  void mend(Look look);
  // Detaches the program everywhere; it stays loaded.
  void clear();
  // Returns the hooks as the last of these calls found them.
  std::vector<TcHook> list() const;

 private:
  struct Attached {
    std::string wanted;
    TcHook hook;
    int index;
    std::unique_ptr<TcAttachment> attachment;  // null unless it is attached
  };
  Result<Attached> attached(const std::string& device, bool isIngress);
  Result<TcPlace> placeOf(const std::string& device, int index, bool isIngress) const;
  void mend(Attached& hook, Look look);
  void publish();

  const std::string owner_, name_;
  const TcWay way_;
  const Load load_;
  std::vector<std::pair<TcPlace, UniqueFd>> programs_;
  std::vector<Attached> hooks_;
  mutable std::mutex lock_;  // of the next one
  std::vector<TcHook> published_;
};

}  // namespace tunvs
