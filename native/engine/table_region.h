// Memory for a connection table: zeroed, reserved at once, touched (and so really taken) as connections come.
#pragma once

#include <cstddef>
#include <span>

#include "core/result.h"

namespace tunvs {

class TableRegion {
 public:
  // Anonymous memory, in huge pages where the kernel has them.
  static Result<TableRegion> anonymous(size_t bytes);
  TableRegion(TableRegion&& other) noexcept;
  TableRegion& operator=(TableRegion&&) = delete;
  ~TableRegion();

  std::span<std::byte> span() const { return {base_, bytes_}; }

 private:
  TableRegion(std::byte* base, size_t bytes) : base_(base), bytes_(bytes) {}
  std::byte* base_;
  size_t bytes_;
};

}  // namespace tunvs
