// The JavaScript handle of a listening socket that can be left alone for a while; lib/native/ describes it.
#pragma once

#include <napi.h>

namespace tunvs::binding {

void defineListeningSocket(Napi::Env env, Napi::Object exports);

}  // namespace tunvs::binding
