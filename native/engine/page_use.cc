#include "engine/page_use.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <iterator>
#include <optional>

namespace tunvs {
namespace {

constexpr uint64_t kKilobyte = 1024;

// The number that `text` begins with, which it is shortened by.
std::optional<uint64_t> takeNumber(std::string_view& text, int base) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return number;
}

struct Range {
  uint64_t begin;
  uint64_t end;
};

// Of a line that begins a mapping: "7f00-7f80 rw-p ...".
std::optional<Range> mappingOf(std::string_view line) {
  const auto begin = takeNumber(line, 16);
  if (!begin || !line.starts_with('-')) return std::nullopt;
  line.remove_prefix(1);
  const auto end = takeNumber(line, 16);
  if (!end || !line.starts_with(' ')) return std::nullopt;
  return Range{*begin, *end};
}

// The bytes in a line such as "Rss:      12 kB", when it is that of `name`.
std::optional<uint64_t> bytesOf(std::string_view line, std::string_view name) {
  if (!line.starts_with(name)) return std::nullopt;
  line.remove_prefix(std::min(line.find_first_not_of(' ', name.size()), line.size()));
  const auto kilobytes = takeNumber(line, 10);
  if (!kilobytes || line != " kB" || *kilobytes > UINT64_MAX / kKilobyte) return std::nullopt;
  return *kilobytes * kKilobyte;
}

}  // namespace

PageUse pageUseIn(std::string_view smaps, std::span<const std::byte> memory) {
  const auto first = reinterpret_cast<uintptr_t>(memory.data());
  const Range asked{first, first + memory.size()};
  PageUse use;
  uint64_t most = 0;  // that the mapping at hand can hold of what is asked about
  while (!smaps.empty()) {
    const std::string_view line = smaps.substr(0, smaps.find('\n'));
    smaps.remove_prefix(std::min(line.size() + 1, smaps.size()));
    if (const auto mapping = mappingOf(line)) {
      const uint64_t begin = std::max(mapping->begin, asked.begin), end = std::min(mapping->end, asked.end);
      most = end > begin ? end - begin : 0;
    } else if (most == 0) {
      continue;
    } else if (const auto resident = bytesOf(line, "Rss:")) {
      use.residentBytes += std::min(*resident, most);
    } else if (const auto huge = bytesOf(line, "AnonHugePages:")) {
      use.hugeBytes += std::min(*huge, most);
    } else if (const auto ofFile = bytesOf(line, "ShmemPmdMapped:")) {
      use.hugeBytes += std::min(*ofFile, most);
    }
  }
  return use;
}

Result<std::string> readSmaps() {
  std::ifstream file("/proc/self/smaps", std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (text.empty()) return Error::fromErrno(errno, "open", "/proc/self/smaps cannot be read; mount /proc");
  return text;
}

}  // namespace tunvs
