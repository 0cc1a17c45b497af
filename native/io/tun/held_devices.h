// Tells which TUN devices this process has open, whichever of its threads opened them.
#pragma once

#include <string>

namespace tunvs {

// `name` is the name that the device has now. Returns false if /proc does not tell.
bool isTunDeviceOpenHere(const std::string& name);

}  // namespace tunvs
