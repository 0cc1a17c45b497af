// An AliasTable draws by weight in constant time: Walker's alias method (1977), built as Vose did (1991), in integers.
//
// Each of n columns is one n-th of the weights; it belongs to its own entry up to a limit, and to one other entry above
// that.
#pragma once

#include <vector>

#include "core/split_mix.h"

namespace tunvs {

class AliasTable {
 public:
  // REQUIRES: fewer than 2^32 weights, each below 2^31
  explicit AliasTable(const std::vector<uint32_t>& weights) : columns_(weights.size()) {
    std::vector<uint64_t> parts;  // the part of each weight that is not laid out yet; a column holds total_
    std::vector<uint32_t> small, large;
    for (const uint32_t weight : weights) total_ += weight;
    for (uint32_t i = 0; i < weights.size(); i++) {
      parts.push_back(uint64_t{weights[i]} * weights.size());
      (parts[i] < total_ ? small : large).push_back(i);
    }
    while (!small.empty() && !large.empty()) {
      const uint32_t lower = small.back(), upper = large.back();
      small.pop_back();
      columns_[lower] = {parts[lower], upper};
      parts[upper] -= total_ - parts[lower];
      if (parts[upper] >= total_) continue;
      large.pop_back();
      small.push_back(upper);
    }
    for (const auto* rest : {&small, &large}) {
      for (const uint32_t i : *rest) columns_[i] = {total_, i};
    }
  }

  bool isEmpty() const { return total_ == 0; }
  // REQUIRES: !isEmpty()
  uint32_t draw(SplitMix64& random) const {
    const auto column = static_cast<uint32_t>(random.below(columns_.size()));
    return random.below(total_) < columns_[column].limit ? column : columns_[column].other;
  }

 private:
  struct Column {
    uint64_t limit = 0;
    uint32_t other = 0;
  };
  std::vector<Column> columns_;
  uint64_t total_ = 0;
};

}  // namespace tunvs
