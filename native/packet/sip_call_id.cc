#include "packet/sip_call_id.h"

#include <algorithm>

namespace tunvs {
namespace {

constexpr bool isBlank(char c) { return c == ' ' || c == '\t'; }

// A Call-ID consists of these (RFC 3261 section 25.1); other characters could do harm in a listing.
constexpr bool isPrintable(char c) { return c > 0x20 && c < 0x7f; }

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool isName(std::string_view text, std::string_view lowerName) {
  return std::equal(text.begin(), text.end(), lowerName.begin(), lowerName.end(),
                    [](char a, char b) { return lower(a) == b; });
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && isBlank(text.front())) text.remove_prefix(1);
  while (!text.empty() && isBlank(text.back())) text.remove_suffix(1);
  return text;
}

// Takes one line off the front, without its end; nullopt when no line ends.
std::optional<std::string_view> takeLine(std::string_view& text) {
  const size_t end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

}  // namespace

std::optional<std::string_view> sipCallId(std::span<const uint8_t> message) {
  std::string_view rest(reinterpret_cast<const char*>(message.data()), message.size());
  if (!takeLine(rest)) return std::nullopt;  // the request or status line
  while (const auto line = takeLine(rest)) {
    if (line->empty()) return std::nullopt;  // the end of the headers
    const size_t colon = line->find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view name = trimmed(line->substr(0, colon));
    if (!isName(name, "call-id") && !isName(name, "i")) continue;
    std::string_view value = trimmed(line->substr(colon + 1));
    // RFC 3261 section 7.3.1: a value may begin on a line of its own, which begins with a blank.
    if (value.empty() && !rest.empty() && isBlank(rest.front())) {
      const auto folded = takeLine(rest);
      if (!folded) return std::nullopt;
      value = trimmed(*folded);
    }
    if (value.empty() || value.size() > kMaxCallIdBytes || !std::all_of(value.begin(), value.end(), isPrintable))
      return std::nullopt;
    return value;
  }
  return std::nullopt;
}

}  // namespace tunvs
