// The workers' events, for JavaScript.
#pragma once

#include <napi.h>

#include <span>

#include "engine/event_ring.h"

namespace tunvs::binding {

// Returns an array of them, or null where the environment ends: it still makes the calls that are queued, but lets them
// run no JavaScript.
napi_value eventsToJs(napi_env env, std::span<const Event> events);

}  // namespace tunvs::binding
