#include "engine/table_region.h"

#include <sys/mman.h>

#include <cerrno>
#include <utility>

namespace tunvs {

Result<TableRegion> TableRegion::anonymous(size_t bytes, Pages pages) {
  void* base = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) {
    return Error::fromErrno(
        errno, "mmap",
        "no memory for a connection table of " + std::to_string(bytes >> 20) + " MiB; ask for fewer connections");
  }
  // Small ones have to be asked for as well: some kernels give huge ones to everybody.
  madvise(base, bytes, pages == Pages::huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
  return TableRegion(static_cast<std::byte*>(base), bytes);
}

TableRegion::TableRegion(TableRegion&& other) noexcept
    : base_(std::exchange(other.base_, nullptr)), bytes_(std::exchange(other.bytes_, 0)), isOwned_(other.isOwned_) {}

TableRegion::~TableRegion() {
  if (base_ != nullptr && isOwned_) munmap(base_, bytes_);
}

}  // namespace tunvs
