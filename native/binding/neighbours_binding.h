// What tells a LAN of addresses; lib/native/ describes it.
#pragma once

#include <napi.h>

namespace tunvs::binding {

void defineNeighbours(Napi::Env env, Napi::Object exports);

}  // namespace tunvs::binding
