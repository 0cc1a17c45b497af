// What the benchmarks need of the native part, as `native.bench`; bench/native-bench.ts declares it.
#pragma once

#include <napi.h>

namespace tunvs::binding {

// Adds `bench` to `exports`.
void registerBench(Napi::Env env, Napi::Object exports);

}  // namespace tunvs::binding
