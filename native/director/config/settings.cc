#include "director/config/settings.h"

#include "core/address_prefix.h"

namespace tunvs {
bool SourceRange::contains(const IpAddress& address) const { return AddressPrefix{base, prefix}.contains(address); }

size_t SourceRange::count() const {
  const size_t hostBits = addressBits(base.family) - prefix;
  return hostBits >= 6 ? kMaxAddresses : size_t{1} << hostBits;
}

IpAddress SourceRange::at(size_t index) const {
  // The index goes into the highest host bits, so that a long range is used evenly.
  const size_t hostBits = addressBits(base.family) - prefix;
  IpAddress address = base;
  size_t width = 0;
  while (size_t{1} << width < count()) width++;
  for (size_t i = 0; i < width; i++) {
    if ((index >> (width - 1 - i) & 1) == 0) continue;
    const size_t bit = addressBits(base.family) - hostBits + i;
    address.bytes[bit / 8] = static_cast<uint8_t>(address.bytes[bit / 8] | 0x80 >> bit % 8);
  }
  return address;
}

Result<SourceRange> parseSourceRange(std::string_view text) {
  auto parsed = parseAddressPrefix(text);
  if (!parsed) return parsed.error();
  const AddressPrefix& range = parsed.value();
  if (!isUnicast(range.base) || range.bits == 0) {
    return Error::make(ErrorCode::invalidArgument,
                       toString(range) + " can't be the director's address; it must be unicast");
  }
  return SourceRange{range.base, range.bits};
}

std::optional<PingReply> pingReplyByName(std::string_view name) {
  if (name == "always") return PingReply::always;
  if (name == "when-up") return PingReply::whenUp;
  if (name == "never") return PingReply::never;
  return std::nullopt;
}

std::optional<UnmatchedReplies> unmatchedRepliesByName(std::string_view name) {
  if (name == "drop") return UnmatchedReplies::drop;
  if (name == "pass") return UnmatchedReplies::pass;
  return std::nullopt;
}

std::optional<NoServerReply> noServerReplyByName(std::string_view name) {
  if (name == "unreachable") return NoServerReply::unreachable;
  if (name == "reset") return NoServerReply::reset;
  return std::nullopt;
}

}  // namespace tunvs
