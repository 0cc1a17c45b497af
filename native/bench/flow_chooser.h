// Chooses the flow that the next packet belongs to: uniformly, or by Zipf's law, which models popular clients and a
// long tail.
//
// Zipf numbers are drawn by rejection-inversion (Hörmann, Derflinger 1996), in constant time and memory.
//
// Thread safety: none.
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tunvs::bench {

// SplitMix64 (Steele, Lea, Flood 2014).
class RandomNumbers {
 public:
  explicit RandomNumbers(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    state_ += 0x9e3779b97f4a7c15;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  // [0, 1)
  double nextUnit() { return static_cast<double>(next() >> 11) * 0x1p-53; }

 private:
  uint64_t state_;
};

enum class Distribution : uint8_t { uniform, zipf };

inline std::optional<Distribution> distributionByName(std::string_view name) {
  if (name == "uniform") return Distribution::uniform;
  if (name == "zipf") return Distribution::zipf;
  return std::nullopt;
}

class FlowChooser {
 public:
  static constexpr double kExponent = 1.01;  // of Zipf's law

  // REQUIRES: flows >= 1
  FlowChooser(Distribution distribution, uint32_t flows, uint64_t seed)
      : distribution_(distribution), flows_(flows), random_(seed) {
    lowest_ = integral(1.5) - 1;
    highest_ = integral(flows + 0.5);
    shortcut_ = 2 - integralInverse(integral(2.5) - density(2));
  }

  // [0, flows)
  uint32_t next() {
    if (distribution_ == Distribution::zipf) return nextZipf();
    return static_cast<uint32_t>((random_.next() >> 32) * flows_ >> 32);
  }

 private:
  static double density(double x) { return std::pow(x, -kExponent); }
  static double integral(double x) { return (std::pow(x, 1 - kExponent) - 1) / (1 - kExponent); }
  static double integralInverse(double y) { return std::pow(1 + y * (1 - kExponent), 1 / (1 - kExponent)); }

  uint32_t nextZipf() {
    for (;;) {
      const double u = highest_ + random_.nextUnit() * (lowest_ - highest_);
      const double x = integralInverse(u);
      const double k = std::fmin(std::fmax(std::floor(x + 0.5), 1), flows_);
      if (k - x <= shortcut_ || u >= integral(k + 0.5) - density(k)) return static_cast<uint32_t>(k) - 1;
    }
  }

  Distribution distribution_;
  uint32_t flows_;
  RandomNumbers random_;
  double lowest_, highest_, shortcut_;
};

}  // namespace tunvs::bench
