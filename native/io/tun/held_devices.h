// Which TUN devices this process has open, whichever of its threads opened them.
#pragma once

#include <string>

namespace tunvs {

// By the name that the device has now. False where /proc does not tell.
bool isTunDeviceOpenHere(const std::string& name);

}  // namespace tunvs
