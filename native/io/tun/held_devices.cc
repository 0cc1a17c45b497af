#include "io/tun/held_devices.h"

#include <filesystem>
#include <fstream>
#include <system_error>

namespace tunvs {

bool isTunDeviceOpenHere(const std::string& name) {
  // The kernel's TUN driver has a line of its own in fdinfo since Linux 3.18.
  const std::string wanted = "iff:\t" + name;
  std::error_code error;
  std::filesystem::directory_iterator entry("/proc/self/fdinfo", error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    std::ifstream file(entry->path());
    for (std::string line; std::getline(file, line);) {
      if (line == wanted) return true;
    }
  }
  return false;
}

}  // namespace tunvs
