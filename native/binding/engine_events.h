// What workers tell, for JavaScript.
#pragma once

#include <napi.h>

#include <span>

#include "engine/event_ring.h"

namespace tunvs::binding {

// An array of them. Null where the environment ends: it still makes the calls that wait, and lets them run no
// JavaScript.
napi_value eventsToJs(napi_env env, std::span<const Event> events);

}  // namespace tunvs::binding
