// A BpfArray is an array of lines that a BPF program and this process share: a BPF map, mapped into memory.
#pragma once

#include <sys/mman.h>

#include <cerrno>
#include <span>
#include <string>
#include <utility>

#include "core/result.h"
#include "io/os/unique_fd.h"
#include "io/tc/bpf_calls.h"

namespace tunvs {

template <typename Line>
class BpfArray {
 public:
  static Result<BpfArray> make(const std::string& what, uint32_t lines) {
    auto map = makeBpfArray(what, sizeof(Line), lines);
    if (!map) return map.error();
    const size_t bytes = mappedBytes(lines);
    void* base = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, map.value().get(), 0);
    if (base == MAP_FAILED) return Error::fromErrno(errno, "mmap", "can't map " + what);
    return BpfArray(std::move(map).value(), static_cast<Line*>(base), lines);
  }
  BpfArray(BpfArray&& other) noexcept
      : descriptor_(std::move(other.descriptor_)), lines_(std::exchange(other.lines_, nullptr)), count_(other.count_) {}
  BpfArray& operator=(BpfArray&&) = delete;
  ~BpfArray() {
    if (lines_ != nullptr) ::munmap(lines_, mappedBytes(count_));
  }

  int descriptor() const { return descriptor_.get(); }
  std::span<Line> lines() const { return {lines_, count_}; }

 private:
  BpfArray(UniqueFd descriptor, Line* lines, uint32_t count)
      : descriptor_(std::move(descriptor)), lines_(lines), count_(count) {}
  static size_t mappedBytes(uint32_t lines) { return (size_t{lines} * sizeof(Line) + 4095) / 4096 * 4096; }

  UniqueFd descriptor_;
  Line* lines_;
  uint32_t count_;
};

}  // namespace tunvs
