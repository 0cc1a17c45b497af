// Converts between timeouts and objects that give seconds by the names of states.
#pragma once

#include <napi.h>

#include "binding/arguments.h"
#include "director/protocol/timeouts.h"

namespace tunvs::binding {

// Reads the timeouts that are given, each in [1, kMaxTimeoutSeconds]. Returns false, with an exception pending, when
// one is out of range.
bool readTimeouts(ObjectReader reader, TimeoutOverrides& timeouts);
// Writes the timeouts that are not 0.
Napi::Object timeoutsToJs(Napi::Env env, const TimeoutOverrides& timeouts);

}  // namespace tunvs::binding
