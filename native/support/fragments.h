// Helps tests of the fragment table.
#pragma once

#include "director/fragment/fragment_table.h"

namespace tunvs::testing {

// Calls begin() and conclude() at once, as the director does when nothing comes in between.
template <typename OnRelease>
FragmentAnswer decide(FragmentTable& table, const FragmentInfo& info, const FragmentDecision& decision, Tick now,
                      FragmentLease& lease, OnRelease&& onRelease) {
  const FragmentAnswer begun = table.begin(info, now);
  return begun.verdict == FragmentVerdict::forward ? table.conclude(info, decision, now, lease, onRelease) : begun;
}

}  // namespace tunvs::testing
