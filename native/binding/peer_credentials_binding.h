// Who is at the other end of a unix socket, for lib/control; lib/native/ describes it.
#pragma once

#include <napi.h>

namespace tunvs::binding {

void definePeerCredentials(Napi::Env env, Napi::Object exports);

}  // namespace tunvs::binding
