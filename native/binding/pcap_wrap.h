// JavaScript handles of capture files: PcapReader and PcapWriter of lib/native/.
#pragma once

#include <napi.h>

namespace tunvs::binding {

void definePcap(Napi::Env env, Napi::Object exports);

}  // namespace tunvs::binding
