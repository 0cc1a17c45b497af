// The options that a director is opened with, read from a JavaScript object.
#pragma once

#include "binding/arguments.h"
#include "director/director.h"

namespace tunvs::binding {

// Reads all options but the number of workers, and draws a secret if no seed is given. Returns false, with an exception
// pending, when something is wrong.
bool readDirectorOptions(ObjectReader& reader, DirectorOptions& options);

}  // namespace tunvs::binding
