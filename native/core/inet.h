// Addresses and byte order. A value in network order has its own type, so that a conversion is never forgotten or done
// twice.
#pragma once

#include <array>
#include <bit>
#include <compare>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "core/result.h"

namespace tunvs {

static_assert(std::endian::native == std::endian::little || std::endian::native == std::endian::big);

constexpr uint16_t swapIfLittle(uint16_t v) {
  return std::endian::native == std::endian::little ? __builtin_bswap16(v) : v;
}
constexpr uint32_t swapIfLittle(uint32_t v) {
  return std::endian::native == std::endian::little ? __builtin_bswap32(v) : v;
}
constexpr uint64_t swapIfLittle(uint64_t v) {
  return std::endian::native == std::endian::little ? __builtin_bswap64(v) : v;
}

// A Be16 is a 16-bit number as it lies on the wire.
struct Be16 {
  uint16_t raw = 0;
  static constexpr Be16 from(uint16_t host) { return {swapIfLittle(host)}; }
  constexpr uint16_t host() const { return swapIfLittle(raw); }
  friend constexpr bool operator==(Be16, Be16) = default;
};

// A Be32 is a 32-bit number as it lies on the wire.
struct Be32 {
  uint32_t raw = 0;
  static constexpr Be32 from(uint32_t host) { return {swapIfLittle(host)}; }
  constexpr uint32_t host() const { return swapIfLittle(raw); }
  friend constexpr bool operator==(Be32, Be32) = default;
};

static_assert(sizeof(Be16) == 2 && sizeof(Be32) == 4);

template <typename T>
inline T loadUnaligned(const void* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}
inline uint16_t loadBe16(const void* from) { return swapIfLittle(loadUnaligned<uint16_t>(from)); }
inline uint32_t loadBe32(const void* from) { return swapIfLittle(loadUnaligned<uint32_t>(from)); }
inline uint64_t loadBe64(const void* from) { return swapIfLittle(loadUnaligned<uint64_t>(from)); }
inline void storeBe16(void* to, uint16_t host) {
  const uint16_t raw = swapIfLittle(host);
  std::memcpy(to, &raw, sizeof raw);
}
inline void storeBe32(void* to, uint32_t host) {
  const uint32_t raw = swapIfLittle(host);
  std::memcpy(to, &raw, sizeof raw);
}

inline void storeBe64(void* to, uint64_t host) {
  const uint64_t raw = swapIfLittle(host);
  std::memcpy(to, &raw, sizeof raw);
}

enum class Family : uint8_t { ipv4 = 4, ipv6 = 6 };  // the IP version number

constexpr size_t addressBytes(Family family) { return family == Family::ipv4 ? 4 : 16; }
constexpr unsigned addressBits(Family family) { return family == Family::ipv4 ? 32 : 128; }

// IP protocol numbers (IANA).
enum class IpProtocol : uint8_t { icmp = 1, ipip = 4, tcp = 6, udp = 17, ipv6 = 41, gre = 47, icmpv6 = 58, sctp = 132 };

// An IpAddress is an IPv4 or IPv6 address, in network order.
// Invariant: for IPv4 only bytes[0..3] are used and the rest are zero, so == and hashing can take all of it.
struct IpAddress {
  std::array<uint8_t, 16> bytes{};
  Family family = Family::ipv4;

  static IpAddress v4(Be32 address) {
    IpAddress a;
    std::memcpy(a.bytes.data(), &address.raw, 4);
    return a;
  }
  static IpAddress v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d) {
    return v4(Be32::from(uint32_t{a} << 24 | uint32_t{b} << 16 | uint32_t{c} << 8 | d));
  }
  static IpAddress v6(const uint8_t* sixteen) {
    IpAddress a;
    a.family = Family::ipv6;
    std::memcpy(a.bytes.data(), sixteen, 16);
    return a;
  }
  // REQUIRES: family == ipv4
  Be32 asV4() const { return {loadUnaligned<uint32_t>(bytes.data())}; }
  bool isV4() const { return family == Family::ipv4; }

  friend bool operator==(const IpAddress&, const IpAddress&) = default;
  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;
};

// Reads dotted decimal or RFC 4291 text, without a port, a prefix or a zone.
Result<IpAddress> parseIpAddress(std::string_view text);
// Writes IPv6 as RFC 5952 recommends.
std::string toString(const IpAddress& address);

// Returns false for 0.0.0.0/8, 127/8, multicast, 240/4, ::, ::1 and ff00::/8, which can't be a VIP, RIP or DIP.
bool isUnicast(const IpAddress& address);

}  // namespace tunvs
