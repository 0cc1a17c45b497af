// Memory for a connection table: zeroed, reserved at once, touched (and so really taken) as connections come.
#pragma once

#include <cstddef>
#include <span>

#include "core/result.h"

namespace tunvs {

class TableRegion {
 public:
  // In huge pages each first touch takes 2 MiB, and so a table that is used at all is soon there in full.
  enum class Pages : uint8_t { huge, small };
  // Anonymous memory; huge pages are a wish that the kernel may refuse.
  static Result<TableRegion> anonymous(size_t bytes, Pages pages = Pages::huge);
  // Memory that somebody else has mapped, and that outlives this object.
  static TableRegion of(std::span<std::byte> memory) {
    TableRegion region(memory.data(), memory.size());
    region.isOwned_ = false;
    return region;
  }
  // Memory that somebody has mapped for this object alone.
  static TableRegion owning(std::span<std::byte> memory) { return {memory.data(), memory.size()}; }
  TableRegion(TableRegion&& other) noexcept;
  TableRegion& operator=(TableRegion&&) = delete;
  ~TableRegion();

  std::span<std::byte> span() const { return {base_, bytes_}; }

 private:
  TableRegion(std::byte* base, size_t bytes) : base_(base), bytes_(bytes) {}
  std::byte* base_;
  size_t bytes_;
  bool isOwned_ = true;
};

}  // namespace tunvs
