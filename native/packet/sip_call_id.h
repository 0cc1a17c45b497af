// Finds the Call-ID of a SIP message (RFC 3261 sections 7.3 and 20.8), which all messages of one call have in common.
//
// Thread safety: pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace tunvs {

inline constexpr size_t kMaxCallIdBytes = 255;  // IPVS's

// Returns the value of the first Call-ID header, in its long or its compact form ("i") and any case; it points into
// `message`. Returns nullopt when there is no such header, when its value is empty, longer than kMaxCallIdBytes or has
// a character that is not printable, or when its line does not end.
std::optional<std::string_view> sipCallId(std::span<const uint8_t> message);

}  // namespace tunvs
