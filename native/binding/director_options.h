// What a director is opened with, read from what JavaScript gives.
#pragma once

#include "binding/arguments.h"
#include "director/director.h"

namespace tunvs::binding {

// All but the number of workers, with a secret that is drawn where no seed is given; false, with an exception pending,
// when something is wrong with them.
bool readDirectorOptions(ObjectReader& reader, DirectorOptions& options);

}  // namespace tunvs::binding
