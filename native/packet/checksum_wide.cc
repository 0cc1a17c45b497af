#include "packet/checksum_wide.h"

#include "core/inet.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__) && defined(__LITTLE_ENDIAN__)
#include <arm_neon.h>
#endif

namespace tunvs {
namespace {

bool always() { return true; }

// The halves of 64-bit words are added separately, so that no carry is lost (RFC 1071 section 2).
[[maybe_unused]] uint64_t addScalar(const uint8_t* bytes, size_t length) {
  uint64_t even = 0, odd = 0;
  for (const uint8_t* const end = bytes + length; bytes < end; bytes += 8) {
    const auto word = loadUnaligned<uint64_t>(bytes);
    even += word & 0xffffffff;
    odd += word >> 32;
  }
  return even + odd;
}

#if defined(__x86_64__)

uint64_t addSse2(const uint8_t* bytes, size_t length) {
  const __m128i low = _mm_set1_epi64x(0xffffffff);
  __m128i even = _mm_setzero_si128(), odd = even, even2 = even, odd2 = even;
  for (const uint8_t* const end = bytes + length; bytes < end; bytes += 32) {
    const __m128i a = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes));
    const __m128i b = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes + 16));
    even = _mm_add_epi64(even, _mm_and_si128(a, low));
    odd = _mm_add_epi64(odd, _mm_srli_epi64(a, 32));
    even2 = _mm_add_epi64(even2, _mm_and_si128(b, low));
    odd2 = _mm_add_epi64(odd2, _mm_srli_epi64(b, 32));
  }
  const __m128i sum = _mm_add_epi64(_mm_add_epi64(even, odd), _mm_add_epi64(even2, odd2));
  return static_cast<uint64_t>(_mm_cvtsi128_si64(sum)) +
         static_cast<uint64_t>(_mm_cvtsi128_si64(_mm_unpackhi_epi64(sum, sum)));
}

__attribute__((target("avx2"))) uint64_t addAvx2(const uint8_t* bytes, size_t length) {
  const __m256i low = _mm256_set1_epi64x(0xffffffff);
  __m256i even = _mm256_setzero_si256(), odd = even, even2 = even, odd2 = even;
  for (const uint8_t* const end = bytes + length; bytes < end; bytes += 64) {
    const __m256i a = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes));
    const __m256i b = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes + 32));
    even = _mm256_add_epi64(even, _mm256_and_si256(a, low));
    odd = _mm256_add_epi64(odd, _mm256_srli_epi64(a, 32));
    even2 = _mm256_add_epi64(even2, _mm256_and_si256(b, low));
    odd2 = _mm256_add_epi64(odd2, _mm256_srli_epi64(b, 32));
  }
  const __m256i sum = _mm256_add_epi64(_mm256_add_epi64(even, odd), _mm256_add_epi64(even2, odd2));
  alignas(32) uint64_t lanes[4];
  _mm256_store_si256(reinterpret_cast<__m256i*>(lanes), sum);
  return lanes[0] + lanes[1] + lanes[2] + lanes[3];
}

bool hasAvx2() { return __builtin_cpu_supports("avx2") != 0; }

constexpr WideChecksum kWays[] = {{"avx2", hasAvx2, addAvx2}, {"sse2", always, addSse2}};

#elif defined(__aarch64__) && defined(__LITTLE_ENDIAN__)

uint64_t addNeon(const uint8_t* bytes, size_t length) {
  uint64x2_t sums[4] = {vdupq_n_u64(0), vdupq_n_u64(0), vdupq_n_u64(0), vdupq_n_u64(0)};
  for (const uint8_t* const end = bytes + length; bytes < end; bytes += 64) {
    for (size_t i = 0; i < 4; i++) sums[i] = vpadalq_u32(sums[i], vreinterpretq_u32_u8(vld1q_u8(bytes + 16 * i)));
  }
  return vaddvq_u64(vaddq_u64(vaddq_u64(sums[0], sums[1]), vaddq_u64(sums[2], sums[3])));
}

constexpr WideChecksum kWays[] = {{"neon", always, addNeon}};

#else

constexpr WideChecksum kWays[] = {{"scalar", always, addScalar}};

#endif

uint64_t (*firstSupported())(const uint8_t*, size_t) {
  for (const WideChecksum& way : kWays)
    if (way.isSupported()) return way.add;
  return addScalar;
}

}  // namespace

std::span<const WideChecksum> wideChecksums() { return kWays; }

uint64_t checksumAddWide(const uint8_t* bytes, size_t length) {
  static uint64_t (*const add)(const uint8_t*, size_t) = firstSupported();
  return add(bytes, length);
}

}  // namespace tunvs
