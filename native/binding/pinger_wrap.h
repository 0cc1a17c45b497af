// The JavaScript handle of pings; lib/native/ describes it.
#pragma once

#include <napi.h>

namespace tunvs::binding {

void definePinger(Napi::Env env, Napi::Object exports);

}  // namespace tunvs::binding
