#include "director/settings.h"

#include <algorithm>
#include <charconv>

namespace tunvs {
namespace {

size_t bitsOf(const IpAddress& address) { return address.isV4() ? 32 : 128; }

}  // namespace

bool SourceRange::contains(const IpAddress& address) const {
  if (address.family != base.family) return false;
  for (size_t bit = 0; bit < prefix; bit += 8) {
    const size_t left = std::min<size_t>(8, prefix - bit);
    const auto mask = static_cast<uint8_t>(0xff << (8 - left));
    if (((address.bytes[bit / 8] ^ base.bytes[bit / 8]) & mask) != 0) return false;
  }
  return true;
}

size_t SourceRange::count() const {
  const size_t hostBits = bitsOf(base) - prefix;
  return hostBits >= 6 ? kMaxAddresses : size_t{1} << hostBits;
}

IpAddress SourceRange::at(size_t index) const {
  // The index goes into the highest host bits, so that a long range is used evenly.
  const size_t hostBits = bitsOf(base) - prefix;
  IpAddress address = base;
  size_t width = 0;
  while (size_t{1} << width < count()) width++;
  for (size_t i = 0; i < width; i++) {
    if ((index >> (width - 1 - i) & 1) == 0) continue;
    const size_t bit = bitsOf(base) - hostBits + i;
    address.bytes[bit / 8] = static_cast<uint8_t>(address.bytes[bit / 8] | 0x80 >> bit % 8);
  }
  return address;
}

Result<SourceRange> parseSourceRange(std::string_view text) {
  const size_t slash = text.find('/');
  auto address = parseIpAddress(text.substr(0, slash));
  if (!address) return address.error();
  if (!isUnicast(address.value())) {
    return Error::make(ErrorCode::invalidArgument,
                       toString(address.value()) + " can't be the director's address; it must be unicast");
  }
  SourceRange range;
  range.base = address.value();
  const size_t bits = bitsOf(range.base);
  range.prefix = static_cast<uint8_t>(bits);
  if (slash == std::string_view::npos) return range;
  const std::string_view digits = text.substr(slash + 1);
  unsigned prefix = 0;
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), prefix);
  if (failed != std::errc{} || end != digits.data() + digits.size() || prefix < 1 || prefix > bits) {
    return Error::make(ErrorCode::invalidArgument, "'" + std::string(text) + "' has no prefix length from 1 to " +
                                                       std::to_string(bits) + " behind its slash");
  }
  range.prefix = static_cast<uint8_t>(prefix);
  for (size_t bit = prefix; bit < bits; bit++) {
    if ((range.base.bytes[bit / 8] >> (7 - bit % 8) & 1) != 0) {
      return Error::make(ErrorCode::invalidArgument, "'" + std::string(text) + "' has bits set behind its prefix");
    }
  }
  return range;
}

std::optional<PingReply> pingReplyByName(std::string_view name) {
  if (name == "always") return PingReply::always;
  if (name == "when-up") return PingReply::whenUp;
  if (name == "never") return PingReply::never;
  return std::nullopt;
}

std::optional<NoServerReply> noServerReplyByName(std::string_view name) {
  if (name == "unreachable") return NoServerReply::unreachable;
  if (name == "reset") return NoServerReply::reset;
  return std::nullopt;
}

}  // namespace tunvs
