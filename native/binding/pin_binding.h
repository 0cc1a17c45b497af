// Pinned flows, as JavaScript asks for them.
#pragma once

#include <napi.h>

#include <optional>

#include "director/director.h"

namespace tunvs::binding {

// What pins lead to; JavaScript has it as an opaque value, so that it is read once for many pins.
struct PinTarget {
  ServiceKey service;
  ServerKey server;
};

// Takes the keys of a service and of a server; throws when something is wrong with them.
Napi::Value pinTargetToJs(const Napi::CallbackInfo& info);
// Reads the arguments of pin(). Returns nothing, with an exception pending, when something is wrong.
std::optional<PinRequest> readPin(const Napi::CallbackInfo& info);
// Returns undefined when there is no report.
Napi::Value pinReportToJs(Napi::Env env, const std::optional<PinReport>& report);

}  // namespace tunvs::binding
