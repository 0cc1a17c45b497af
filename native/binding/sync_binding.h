// What connection sync is started with, and what it counts.
#pragma once

#include <napi.h>

#include <optional>

#include "engine/engine.h"

namespace tunvs::binding {

// Returns nothing, with an exception pending, when something is wrong with the options. `tunables` say how many ports
// and what buffers there are. Reading may run JavaScript.
std::optional<SyncOptions> readSyncOptions(Napi::Value given, const Tunables& tunables);

// Returns the state of both roles: see NativeSync in lib/native/sync.ts.
Napi::Value syncToJs(Napi::Env env, const Engine& engine);

// Sets the lists of why messages are refused, and of what becomes of records.
void defineSync(Napi::Env env, Napi::Object exports);

}  // namespace tunvs::binding
