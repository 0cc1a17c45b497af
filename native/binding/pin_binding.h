// Pinned flows, as JavaScript asks for them.
#pragma once

#include <napi.h>

#include <optional>

#include "director/director.h"

namespace tunvs::binding {

// Reads a NativePin. Returns nothing, with an exception pending, when something is wrong.
std::optional<PinRequest> readPin(Napi::Value value);
// Returns undefined when there is no report.
Napi::Value pinReportToJs(Napi::Env env, const std::optional<PinReport>& report);

}  // namespace tunvs::binding
