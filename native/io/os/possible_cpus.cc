#include "io/os/possible_cpus.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <string>

namespace tunvs {

uint32_t possibleCpus() {
  uint32_t highest = static_cast<uint32_t>(std::max(1L, ::sysconf(_SC_NPROCESSORS_CONF))) - 1;
  std::ifstream file("/sys/devices/system/cpu/possible");
  std::string list;  // such as 0-3,8-11
  std::getline(file, list);
  const size_t last = list.find_last_of("-,");
  const std::string number = last == std::string::npos ? list : list.substr(last + 1);
  uint32_t read = 0;
  const auto parsed = std::from_chars(number.data(), number.data() + number.size(), read);
  if (parsed.ec == std::errc() && read < 65536) highest = std::max(highest, read);
  return highest + 1;
}

}  // namespace tunvs
