#include "support/golden.h"

#include <filesystem>
#include <fstream>
#include <iterator>

namespace tunvs::testing {
namespace {

std::optional<std::string> textAbove(std::filesystem::path folder, const std::string& name) {
  while (true) {
    std::ifstream file(folder / "test" / "golden" / name);
    if (file) return std::string(std::istreambuf_iterator<char>(file), {});
    if (!folder.has_relative_path()) return std::nullopt;
    folder = folder.parent_path();
  }
}

}  // namespace

std::optional<std::string> goldenText(const std::string& name) {
  std::error_code ignored;
  if (auto text = textAbove(std::filesystem::current_path(ignored), name)) return text;
  return textAbove(std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path(), name);
}

}  // namespace tunvs::testing
