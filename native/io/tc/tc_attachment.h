// A TcAttachment keeps a program at the egress or the ingress of a device: by a tcx link, which ends with the process
// (Linux 6.6), or by a filter, which does not (tc_filter.h).
//
// Thread safety: one thread per object.
#pragma once

#include <string>
#include <variant>

#include "core/result.h"
#include "io/os/unique_fd.h"
#include "io/tc/tc_filter.h"

namespace tunvs {

// How programs are attached on this kernel.
enum class TcWay : uint8_t { link, filter };

// Returns the better of the ways. Fails where this process may not load a program. `owner` names whose it is: "the fast
// path". With TUNVS_TC_WAY=filter in the environment, which tests use, it is a filter everywhere.
Result<TcWay> findTcWay(const std::string& owner);

class TcAttachment {
 public:
  // `what` begins errors; `name` is what a filter is called.
  static Result<TcAttachment> attach(TcWay way, const std::string& what, int program, const std::string& name,
                                     int interfaceIndex, bool isIngress);

  // Returns the device where it is; 0: at none any more.
  int interfaceIndex() const;

 private:
  explicit TcAttachment(std::variant<UniqueFd, TcFilter> kept) : kept_(std::move(kept)) {}
  std::variant<UniqueFd, TcFilter> kept_;
};

}  // namespace tunvs
