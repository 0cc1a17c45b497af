// A TcFilter runs a program at the egress or the ingress of a device by a filter of the queueing discipline "clsact",
// as kernels before 6.6 have it. The kernel keeps such a filter when its process is killed, so each carries a name that
// dies with its holder (life_token.h), and whoever comes next removes those of the dead.
//
// Thread safety: one thread per object; removeDead() may be called by any.
#pragma once

#include <cstdint>
#include <string>

#include "core/result.h"
#include "io/tc/life_token.h"

namespace tunvs {

class TcFilter {
 public:
  // `program` is a descriptor, and `name` what the filter is called in lists, with the token behind it. `what` begins
  // errors. The device gets the discipline if it has none.
  static Result<TcFilter> add(const std::string& what, int program, const std::string& name, int interfaceIndex,
                              bool isIngress);
  TcFilter(TcFilter&&) noexcept;
  TcFilter& operator=(TcFilter&&) = delete;
  // Removes the filter. The discipline stays: it costs nothing, and somebody else may be about to use it.
  ~TcFilter();

  // Returns true while the filter is there.
  bool isThere() const;
  int interfaceIndex() const { return interfaceIndex_; }

  // Removes the filters of this name whose holders are dead, from one device (in either direction), or from all.
  static void removeDead(const std::string& name, int interfaceIndex);
  static void removeDead(const std::string& name);

 private:
  TcFilter(LifeToken token, std::string name, int interfaceIndex, bool isIngress)
      : token_(std::move(token)), name_(std::move(name)), interfaceIndex_(interfaceIndex), isIngress_(isIngress) {}

  LifeToken token_;
  std::string name_;  // with the token
  int interfaceIndex_;
  bool isIngress_;
  uint32_t priority_ = 0, handle_ = 0;  // the kernel's
};

}  // namespace tunvs
