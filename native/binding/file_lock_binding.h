// Locks on files, for lib/host; lib/native/ describes them.
#pragma once

#include <napi.h>

namespace tunvs::binding {

void defineFileLock(Napi::Env env, Napi::Object exports);

}  // namespace tunvs::binding
