// Descriptors to and from another process; lib/native/descriptor-passing.ts describes it.
#pragma once

#include <napi.h>

namespace tunvs::binding {

void defineDescriptorPassing(Napi::Env env, Napi::Object exports);

}  // namespace tunvs::binding
