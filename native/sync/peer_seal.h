// A PeerSeal signs the datagrams of peers, and tells those that hold a key from others: HMAC-SHA-256 of a datagram, cut
// to 128 bits (RFC 2104, RFC 4868).
//
// Thread safety: it does not change, so any thread may use it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/sha256.h"

namespace tunvs {

class PeerSeal {
 public:
  static constexpr size_t kBytes = 16;

  // The first key signs, and all are believed; without keys nothing is signed and all is believed.
  explicit PeerSeal(std::span<const std::string> keys);

  bool isSigning() const { return !keys_.empty(); }
  // Returns how many bytes of a datagram are its signature.
  size_t bytes() const { return isSigning() ? kBytes : 0; }
  // Writes the last bytes() of a datagram, which sign those before.
  void seal(std::span<uint8_t> datagram) const;
  // REQUIRES: datagram.size() >= bytes()
  bool holds(std::span<const uint8_t> datagram) const;

 private:
  std::vector<HmacSha256> keys_;
};

}  // namespace tunvs
