// What an engine is started with, and what came of it.
#pragma once

#include <napi.h>

#include <optional>

#include "engine/engine.h"

namespace tunvs::binding {

// Returns nothing, with an exception pending, when something is wrong with the options. Reading may run JavaScript.
std::optional<EngineStartOptions> readStartOptions(Napi::Value given, size_t workers);

// Closes the descriptors that another process has handed over; the engine has others for what they lead to.
void closeGiven(const EngineStartOptions& options);

Napi::Value startedToJs(Napi::Env env, const EngineStarted& started);

Napi::Value ringsToJs(Napi::Env env, const std::vector<RingState>& rings);
// `why`: why nothing was taken although there was something.
Napi::Value takenOverToJs(Napi::Env env, const Entries::TakenOver& taken, const std::string& why);
Napi::Value fastPathToJs(Napi::Env env, const FastPathState& state);

}  // namespace tunvs::binding
