// Director::explain for JavaScript.
#pragma once

#include <napi.h>

#include "director/director.h"

namespace tunvs::binding {

// `packet`: a Uint8Array, from its IP header on; `mark`: a number.
Napi::Value explainToJs(Napi::Env env, Director& director, Tick now, Napi::Value packet, Napi::Value mark);

}  // namespace tunvs::binding
