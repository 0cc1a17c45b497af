// Between timeouts and objects of seconds by the names of states.
#pragma once

#include <napi.h>

#include "binding/arguments.h"
#include "director/protocol/timeouts.h"

namespace tunvs::binding {

// Those that are there, each [1, kMaxTimeoutSeconds]; false with an exception pending when one is not.
bool readTimeouts(ObjectReader reader, TimeoutOverrides& timeouts);
// Those that are not 0.
Napi::Object timeoutsToJs(Napi::Env env, const TimeoutOverrides& timeouts);

}  // namespace tunvs::binding
