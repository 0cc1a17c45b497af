// The JavaScript handle of the host's monitor; lib/native/ describes it.
#pragma once

#include <napi.h>

namespace tunvs::binding {

void defineHostMonitor(Napi::Env env, Napi::Object exports);

}  // namespace tunvs::binding
