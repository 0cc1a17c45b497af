// The JavaScript handle of knocks; lib/native/ describes it.
#pragma once

#include <napi.h>

namespace tunvs::binding {

void defineKnocker(Napi::Env env, Napi::Object exports);

}  // namespace tunvs::binding
