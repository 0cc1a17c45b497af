// Reads the operations on the configuration that a director's program applies.
#pragma once

#include "director/config/operations.h"
#include "support/program_reader.h"
#include "support/program_servers.h"

namespace tunvs::testing {

// Reads one operation, and changes `after` to what is configured if it is taken.
Operation readOperation(ProgramReader& reader, ProgramServers& after);

}  // namespace tunvs::testing
