// What benchmarks ask of programs in the kernel, as parts of `native.bench`; bench/native-bench.ts declares it.
#pragma once

#include <napi.h>

namespace tunvs::binding {

void registerKernel(Napi::Env env, Napi::Object bench);

}  // namespace tunvs::binding
