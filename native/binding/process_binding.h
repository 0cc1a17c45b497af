// What a daemon needs of its process, for lib/daemon; lib/native/ describes it.
#pragma once

#include <napi.h>

namespace tunvs::binding {

void defineProcess(Napi::Env env, Napi::Object exports);

}  // namespace tunvs::binding
