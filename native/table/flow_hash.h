// The table's hash is keyed, so that a client that does not know the secret cannot aim at one bucket.
//
// It is NH, the almost-universal family of UMAC (RFC 4418 section 5.2.2, here with 64-bit words): each pair of words is
// added to two secret words and multiplied to 128 bits. Two different keys collide with a probability of about 2^-64
// over the choice of the secret. A last multiplication by a secret odd number spreads the result over all 64 bits.
#pragma once

#include "core/flow_key.h"

namespace tunvs {

// The secret has 56 bytes. It comes from one 64-bit seed for tests and replay, and from the system's randomness
// otherwise.
struct HashSecret {
  uint64_t words[6];
  uint64_t finish;  // odd

  // Derives the words with SplitMix64 (Steele, Lea, Flood 2014): equal seeds give equal tables.
  static HashSecret fromSeed(uint64_t seed) {
    HashSecret secret;
    const auto next = [&seed] {
      seed += 0x9e3779b97f4a7c15;
      uint64_t z = seed;
      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
      z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
      return z ^ (z >> 31);
    };
    for (auto& word : secret.words) word = next();
    secret.finish = next() | 1;
    return secret;
  }
};

inline uint64_t flowHash(const FlowKey& key, const HashSecret& secret) {
  using Wide = unsigned __int128;
  Wide sum = static_cast<Wide>(key.words[0] + secret.words[0]) * (key.tail + secret.words[1]);
  if (!key.isV4()) {
    sum += static_cast<Wide>(key.words[1] + secret.words[2]) * (key.words[2] + secret.words[3]);
    sum += static_cast<Wide>(key.words[3] + secret.words[4]) * secret.words[5];
  }
  const uint64_t low = static_cast<uint64_t>(sum);
  const uint64_t high = static_cast<uint64_t>(sum >> 64);
  const Wide spread = static_cast<Wide>(low ^ __builtin_bswap64(high)) * secret.finish;
  return static_cast<uint64_t>(spread) ^ static_cast<uint64_t>(spread >> 64);
}

}  // namespace tunvs
