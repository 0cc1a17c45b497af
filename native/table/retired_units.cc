#include "table/retired_units.h"

#include <utility>

namespace tunvs {

bool RetiredUnits::retire(ConnLink* links, uint32_t unit, const Epochs& epochs) {
  links[unit] = {0, 0};
  const uint64_t epoch = epochs.stamp();
  if (behind_.first != 0 && behind_.epoch != epoch && waiting_.first == 0) waiting_ = std::exchange(behind_, {});
  if (behind_.first != 0) {
    links[behind_.last - 1].next = unit + 1;
  } else {
    behind_.first = unit + 1;
  }
  behind_.last = unit + 1;
  behind_.epoch = epoch;
  count_++;
  // Units that gather wait as long as the last of them, so a batch that is long safe must not stay and hold them up.
  return ++behind_.count % kBatch == 0;
}

}  // namespace tunvs
