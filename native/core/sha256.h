// SHA-256 (FIPS 180-4), and HMAC with it (RFC 2104).
//
// Thread safety: a Sha256 has none; an HmacSha256 does not change, so any thread may use it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace tunvs {

class Sha256 {
 public:
  using Digest = std::array<uint8_t, 32>;
  static constexpr size_t kBlockBytes = 64;

  void add(std::span<const uint8_t> bytes);
  // Returns the digest of all that was added. Nothing may be added any more.
  Digest finish();

 private:
  void addBlock(const uint8_t* block);

  std::array<uint32_t, 8> state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<uint8_t, kBlockBytes> rest_{};  // what fills no block yet
  uint64_t bytes_ = 0;                       // added so far
};

class HmacSha256 {
 public:
  // Keys longer than a block count by their digest, as the RFC says.
  explicit HmacSha256(std::span<const uint8_t> key);
  Sha256::Digest of(std::span<const uint8_t> bytes) const;

 private:
  Sha256 inner_, outer_;  // each has seen its block of the key
};

}  // namespace tunvs
