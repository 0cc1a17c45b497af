// The Call-ID of a SIP message (RFC 3261 sections 7.3 and 20.8): what all messages of one call have in common.
//
// Thread safety: pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace tunvs {

inline constexpr size_t kMaxCallIdBytes = 255;  // IPVS's

// The value of the first Call-ID header, in its long or its compact form ("i"), whatever its case; it points into
// `message`. nullopt when there is none, when it is empty, longer than kMaxCallIdBytes or not of
// printable characters alone, or when its line does not end.
std::optional<std::string_view> sipCallId(std::span<const uint8_t> message);

}  // namespace tunvs
