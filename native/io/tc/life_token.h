// A LifeToken is a name that exists for as long as its holder does: that of a socket in the abstract namespace. What a
// holder leaves in the kernel under that name can be told from what the living have there.
//
// Thread safety: any thread makes any call. The name is one of the calling thread's network namespace.
#pragma once

#include <string>
#include <string_view>

#include "core/result.h"
#include "io/os/unique_fd.h"

namespace tunvs {

class LifeToken {
 public:
  // Draws a name.
  static Result<LifeToken> make();
  const std::string& name() const { return name_; }
  // Returns false when nobody in this namespace holds that name, or when it is none of ours.
  static bool isHeld(std::string_view name);

 private:
  LifeToken(std::string name, UniqueFd socket) : name_(std::move(name)), socket_(std::move(socket)) {}
  std::string name_;
  UniqueFd socket_;
};

}  // namespace tunvs
