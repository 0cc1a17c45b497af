// Director::explain for JavaScript.
#pragma once

#include <napi.h>

#include "director/director.h"

namespace tunvs::binding {

// `packet` is a Uint8Array that begins with the IP header; `mark` is a number.
Napi::Value explainToJs(Napi::Env env, Director& director, Tick now, Napi::Value packet, Napi::Value mark);

}  // namespace tunvs::binding
