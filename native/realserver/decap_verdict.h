// What becomes of a packet that came through a tunnel: it is accepted, or refused for the first reason that applies.
// Every refusal is counted (decap_counters.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tunvs {

// Each line, in the order of the checks, gives a refusal's name, which is its counter's, too; the kind of what is
// counted; and why, as a sentence without its full stop. Of the tunnels' checksums, only GRE's are checked here: the
// kernel checks those of UDP.
// clang-format off
#define TUNVS_DECAP_REFUSALS(REFUSAL) \
  REFUSAL(badOuter, packets, "it is shorter than its outer header says, not of the protocol that it came by, or a fragment") \
  REFUSAL(unknownDirector, packets, "its outer source is no director") \
  REFUSAL(badTunnelHeader, packets, "its GUE or GRE header is cut short, of another version, or holds what cannot be skipped") \
  REFUSAL(badTunnelChecksum, packets, "the checksum of its GRE header is wrong") \
  REFUSAL(badInner, packets, "it has no valid inner IP header") \
  REFUSAL(badInnerChecksum, packets, "the checksum of its inner IPv4 header is wrong") \
  REFUSAL(notVirtualAddress, packets, "its inner destination is no virtual address here") \
  REFUSAL(congestionNotSignallable, packets, "its outer header says that it met congestion, and its inner sender does not do ECN (RFC 6040)")
// clang-format on

#define TUNVS_NAME(name, kind, sentence) name,
enum class DecapVerdict : uint8_t { accepted, TUNVS_DECAP_REFUSALS(TUNVS_NAME) kCount };
#undef TUNVS_NAME
inline constexpr size_t kDecapVerdicts = static_cast<size_t>(DecapVerdict::kCount);

#define TUNVS_NAME(name, kind, sentence) #name,
inline constexpr std::string_view kDecapVerdictNames[] = {"accepted", TUNVS_DECAP_REFUSALS(TUNVS_NAME)};
#undef TUNVS_NAME

// camelCase, as in the statistics.
constexpr std::string_view toString(DecapVerdict verdict) { return kDecapVerdictNames[static_cast<size_t>(verdict)]; }

}  // namespace tunvs
