#include "engine/file_pages.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

namespace tunvs {
namespace {

// Linux 6.1's, which Debian 12's headers lack. It moves at once, whatever /sys says about huge pages of files.
constexpr int kCollapse = 25;
constexpr useconds_t kPauseUs = 2000;  // so that packets wait for one piece at most

std::byte* alignedUp(std::byte* at) {
  const auto address = reinterpret_cast<uintptr_t>(at);
  return at + (kHugePageBytes - address % kHugePageBytes) % kHugePageBytes;
}

}  // namespace

Result<std::span<std::byte>> mapFile(int fd, size_t bytes) {
  const auto failed = [] { return Error::fromErrno(errno, "mmap", "can't map a file"); };
  const size_t reserved = bytes + kHugePageBytes;
  void* const room = ::mmap(nullptr, reserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (room == MAP_FAILED) return failed();
  auto* const begin = static_cast<std::byte*>(room);
  std::byte* const at = alignedUp(begin);
  if (::mmap(at, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED) {
    const Error error = failed();
    ::munmap(room, reserved);
    return error;
  }
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  std::byte* const end = at + (bytes + page - 1) / page * page;
  if (at != begin) ::munmap(begin, static_cast<size_t>(at - begin));
  if (end != begin + reserved) ::munmap(end, static_cast<size_t>(begin + reserved - end));
  return std::span(at, bytes);
}

size_t moveToHugePages(std::span<std::byte> memory, const std::stop_token& stop) {
  size_t moved = 0;
  for (size_t at = 0; at + kHugePageBytes <= memory.size() && !stop.stop_requested(); at += kHugePageBytes) {
    if (::madvise(memory.data() + at, kHugePageBytes, kCollapse) == 0) {
      moved += kHugePageBytes;
    } else if (errno != EAGAIN && errno != EBUSY && errno != ENOMEM) {
      // It says so of every piece. The others are about one: its pages were in use, or there is no huge one.
      break;
    }
    ::usleep(kPauseUs);
  }
  return moved;
}

}  // namespace tunvs
