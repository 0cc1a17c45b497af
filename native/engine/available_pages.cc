#include "engine/available_pages.h"

#include <fcntl.h>
#include <unistd.h>
#include <charconv>

#include "io/os/unique_fd.h"

namespace tunvs {
namespace {

// Finds `NAME:   NUMBER kB` at the beginning of a line.
std::optional<uint64_t> kilobytesOf(std::string_view meminfo, std::string_view name) {
  while (!meminfo.empty()) {
    const size_t end = meminfo.find('\n');
    const std::string_view line = meminfo.substr(0, end);
    meminfo = end == std::string_view::npos ? std::string_view() : meminfo.substr(end + 1);
    if (!line.starts_with(name) || line.substr(name.size(), 1) != ":") continue;
    const size_t digits = line.find_first_of("0123456789");
    uint64_t kilobytes = 0;
    if (digits == std::string_view::npos ||
        std::from_chars(line.data() + digits, line.data() + line.size(), kilobytes).ec != std::errc())
      return std::nullopt;
    return kilobytes;
  }
  return std::nullopt;
}

}  // namespace

std::optional<uint64_t> availablePages(std::string_view meminfo, uint64_t pageBytes) {
  const auto free = kilobytesOf(meminfo, "MemFree");
  const auto buffers = kilobytesOf(meminfo, "Buffers");
  if (!free || !buffers) return std::nullopt;
  return (*free + *buffers) * 1024 / pageBytes;
}

std::optional<uint64_t> availablePages() {
  const UniqueFd file(open("/proc/meminfo", O_RDONLY | O_CLOEXEC));
  char text[1024];  // both lines are among the first
  const ssize_t bytes = file.get() < 0 ? -1 : read(file.get(), text, sizeof text);
  if (bytes <= 0) return std::nullopt;
  return availablePages({text, static_cast<size_t>(bytes)}, static_cast<uint64_t>(sysconf(_SC_PAGESIZE)));
}

}  // namespace tunvs
