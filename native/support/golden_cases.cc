#include "support/golden_cases.h"

#include <cstdlib>
#include <sstream>

#include "support/golden.h"

namespace tunvs::testing {
namespace {

// One program wrote the traces, with one case a line. This reads that form, not JSON.
std::string textOf(const std::string& line, std::string_view key) {
  const std::string opening = "\"" + std::string(key) + "\":\"";
  const size_t at = line.find(opening);
  if (at == std::string::npos) return {};
  return line.substr(at + opening.size(), line.find('"', at + opening.size()) - at - opening.size());
}

std::vector<std::vector<uint8_t>> packetsOf(const std::string& line, std::string_view key) {
  std::vector<std::vector<uint8_t>> packets;
  const std::string opening = "\"" + std::string(key) + "\":[";
  size_t at = line.find(opening);
  if (at == std::string::npos) return packets;
  at += opening.size();
  const size_t end = line.find(']', at);
  while ((at = line.find('"', at)) < end) {
    const size_t close = line.find('"', at + 1);
    packets.push_back(fromHex(std::string_view(line).substr(at + 1, close - at - 1)));
    at = close + 1;
  }
  return packets;
}

uint8_t digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<uint8_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<uint8_t>(c - 'a' + 10);
  std::abort();
}

}  // namespace

std::vector<uint8_t> fromHex(std::string_view hex) {
  std::string digits;
  for (const char c : hex) {
    if (c != ' ') digits += c;
  }
  if (digits.size() % 2 != 0) std::abort();
  std::vector<uint8_t> bytes;
  for (size_t i = 0; i < digits.size(); i += 2) {
    bytes.push_back(static_cast<uint8_t>(digit(digits[i]) << 4 | digit(digits[i + 1])));
  }
  return bytes;
}

std::optional<std::vector<GoldenCase>> goldenCases(const std::string& name) {
  const auto text = goldenText(name);
  if (!text) return std::nullopt;
  std::vector<GoldenCase> cases;
  std::istringstream lines(*text);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("{\"case\":")) continue;
    cases.push_back({textOf(line, "case"), packetsOf(line, "in"), packetsOf(line, "out")});
  }
  return cases;
}

}  // namespace tunvs::testing
