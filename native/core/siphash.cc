#include "core/siphash.h"

#include <bit>

namespace tunvs {
namespace {

template <int kWordRounds, int kLastRounds>
class SipState {
 public:
  explicit SipState(SipKey key)
      : v0_(key.k0 ^ 0x736f6d6570736575),
        v1_(key.k1 ^ 0x646f72616e646f6d),
        v2_(key.k0 ^ 0x6c7967656e657261),
        v3_(key.k1 ^ 0x7465646279746573) {}

  void word(uint64_t m) {
    v3_ ^= m;
    for (int i = 0; i < kWordRounds; i++) round();
    v0_ ^= m;
  }
  uint64_t finish() {
    v2_ ^= 0xff;
    for (int i = 0; i < kLastRounds; i++) round();
    return v0_ ^ v1_ ^ v2_ ^ v3_;
  }

 private:
  void round() {
    v0_ += v1_;
    v1_ = std::rotl(v1_, 13) ^ v0_;
    v0_ = std::rotl(v0_, 32);
    v2_ += v3_;
    v3_ = std::rotl(v3_, 16) ^ v2_;
    v0_ += v3_;
    v3_ = std::rotl(v3_, 21) ^ v0_;
    v2_ += v1_;
    v1_ = std::rotl(v1_, 17) ^ v2_;
    v2_ = std::rotl(v2_, 32);
  }

  uint64_t v0_, v1_, v2_, v3_;
};

template <int kWordRounds, int kLastRounds>
uint64_t hash(SipKey key, std::span<const uint8_t> bytes) {
  SipState<kWordRounds, kLastRounds> state(key);
  uint64_t word = 0;
  for (size_t i = 0; i < bytes.size(); i++) {
    word |= uint64_t{bytes[i]} << (i % 8 * 8);
    if (i % 8 != 7) continue;
    state.word(word);
    word = 0;
  }
  state.word(word | uint64_t{bytes.size()} << 56);
  return state.finish();
}

}  // namespace

uint64_t sipHash13(SipKey key, std::span<const uint8_t> bytes) { return hash<1, 3>(key, bytes); }
uint64_t sipHash24(SipKey key, std::span<const uint8_t> bytes) { return hash<2, 4>(key, bytes); }

uint64_t sipHash13(SipKey key, uint32_t word) {
  SipState<1, 3> state(key);
  state.word(word | uint64_t{4} << 56);
  return state.finish();
}

}  // namespace tunvs
