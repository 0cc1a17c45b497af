// Checks the laws of what a director counts in a program: laws 1, 2 and 3 of director_program.h.
#pragma once

#include "support/laws.h"
#include "support/test_director.h"

namespace tunvs::testing {

// `received` counts the packets so far. REQUIRES: none waits for its vector
void checkCounts(Laws& laws, TestDirector& t, uint64_t received);

}  // namespace tunvs::testing
