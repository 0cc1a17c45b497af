// The JavaScript handle of a real server's decapsulator; lib/native/ describes it.
#pragma once

#include <napi.h>

namespace tunvs::binding {

void defineDecapsulator(Napi::Env env, Napi::Object exports);

}  // namespace tunvs::binding
