// Puts the commands into force that recordings of a real IPVS were set up with.
//
// Thread safety: none.
#pragma once

#include <string>

#include "support/test_director.h"

namespace tunvs::testing {

// Obeys `ipvsadm -A|-D|-a|-e|-d ...` and `ipvsadm --set ...`, as far as recordings have their options; leaves out the
// commands of the sync daemons. Aborts on anything else.
void obeyIpvsadm(TestDirector& director, const std::string& command);

// Parses `ADDRESS:PORT`, or `[ADDRESS]:PORT`.
ServerKey endpointOf(const std::string& text);

}  // namespace tunvs::testing
