// What killed processes have left at TC, for the guardian of lib/host; lib/native/ describes it.
#pragma once

#include <napi.h>

namespace tunvs::binding {

void defineTc(Napi::Env env, Napi::Object exports);

}  // namespace tunvs::binding
