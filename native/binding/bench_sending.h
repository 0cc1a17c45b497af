// What the benchmarks send packets by: floods, and packets whose delay is measured.
#pragma once

#include <napi.h>

namespace tunvs::binding {

// Adds `flood` and `delay` to `bench`.
void registerSending(Napi::Env env, Napi::Object bench);

}  // namespace tunvs::binding
