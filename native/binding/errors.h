// From Result to a JavaScript exception: the only place that knows the ERR_TUNVS_* codes.
#pragma once

#include <napi.h>

#include "core/result.h"

namespace tunvs::binding {

// Throws `error` as an Error with `code`, and `errno` and `syscall` where there was a system call.
void throwError(Napi::Env env, const Error& error);
void throwInvalidArgument(Napi::Env env, const std::string& message);

}  // namespace tunvs::binding
