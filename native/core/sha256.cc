#include "core/sha256.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "core/inet.h"

namespace tunvs {
namespace {

// These are the first 32 bits of the fractional parts of the cube roots of the first 64 primes.
constexpr uint32_t kRounds[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

uint32_t sigma(uint32_t x, int a, int b, int c) { return std::rotr(x, a) ^ std::rotr(x, b) ^ std::rotr(x, c); }
uint32_t shifted(uint32_t x, int a, int b, int shift) { return std::rotr(x, a) ^ std::rotr(x, b) ^ (x >> shift); }

}  // namespace

void Sha256::addBlock(const uint8_t* block) {
  uint32_t w[64];
  for (size_t i = 0; i < 16; i++) w[i] = loadBe32(block + 4 * i);
  for (size_t i = 16; i < 64; i++)
    w[i] = w[i - 16] + shifted(w[i - 15], 7, 18, 3) + w[i - 7] + shifted(w[i - 2], 17, 19, 10);
  auto [a, b, c, d, e, f, g, h] = state_;
  for (size_t i = 0; i < 64; i++) {
    const uint32_t first = h + sigma(e, 6, 11, 25) + ((e & f) ^ (~e & g)) + kRounds[i] + w[i];
    const uint32_t second = sigma(a, 2, 13, 22) + ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = d + first;
    d = c;
    c = b;
    b = a;
    a = first + second;
  }
  const uint32_t after[] = {a, b, c, d, e, f, g, h};
  for (size_t i = 0; i < 8; i++) state_[i] += after[i];
}

void Sha256::add(std::span<const uint8_t> bytes) {
  const size_t filled = bytes_ % kBlockBytes;
  bytes_ += bytes.size();
  if (filled != 0) {
    const size_t part = std::min(bytes.size(), kBlockBytes - filled);
    std::ranges::copy(bytes.first(part), rest_.begin() + static_cast<ptrdiff_t>(filled));
    bytes = bytes.subspan(part);
    if (filled + part < kBlockBytes) return;
    addBlock(rest_.data());
  }
  for (; bytes.size() >= kBlockBytes; bytes = bytes.subspan(kBlockBytes)) addBlock(bytes.data());
  std::ranges::copy(bytes, rest_.begin());
}

Sha256::Digest Sha256::finish() {
  const uint64_t bits = bytes_ * 8;
  uint8_t padding[kBlockBytes + 8] = {0x80};
  const size_t zeros = (kBlockBytes + 55 - bytes_ % kBlockBytes) % kBlockBytes;
  for (size_t i = 0; i < 8; i++) padding[1 + zeros + i] = static_cast<uint8_t>(bits >> (56 - 8 * i));
  add({padding, 1 + zeros + 8});
  Digest digest;
  for (size_t i = 0; i < 8; i++) storeBe32(&digest[4 * i], state_[i]);
  return digest;
}

HmacSha256::HmacSha256(std::span<const uint8_t> key) {
  std::array<uint8_t, Sha256::kBlockBytes> block{};
  if (key.size() > block.size()) {
    Sha256 hash;
    hash.add(key);
    std::ranges::copy(hash.finish(), block.begin());
  } else {
    std::ranges::copy(key, block.begin());
  }
  for (uint8_t& byte : block) byte ^= 0x36;
  inner_.add(block);
  for (uint8_t& byte : block) byte ^= 0x36 ^ 0x5c;
  outer_.add(block);
}

Sha256::Digest HmacSha256::of(std::span<const uint8_t> bytes) const {
  Sha256 inner = inner_, outer = outer_;
  inner.add(bytes);
  outer.add(inner.finish());
  return outer.finish();
}

}  // namespace tunvs
