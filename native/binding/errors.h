// Turns a Result into a JavaScript exception. This is the only place that knows the ERR_TUNVS_* codes.
#pragma once

#include <napi.h>

#include "core/result.h"

namespace tunvs::binding {

// Throws `error` as an Error with `code`, and with `errno` and `syscall` if a system call failed.
void throwError(Napi::Env env, const Error& error);
void throwInvalidArgument(Napi::Env env, const std::string& message);

}  // namespace tunvs::binding
