// What our programs at TC are called in the kernel's lists.
#pragma once

namespace tunvs {

inline constexpr char kFastPathName[] = "tunvs_fast_path", kDecapName[] = "tunvs_decap";
inline constexpr const char* kTcNames[] = {kFastPathName, kDecapName};

}  // namespace tunvs
