#include "support/network_namespace.h"

#include <sched.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "support/testing.h"

namespace tunvs::testing {

bool inNetworkNamespace(const std::function<void()>& body) {
  bool isMade = false;
  std::thread thread([&] {
    isMade = ::unshare(CLONE_NEWNET) == 0;
    if (isMade) body();
  });
  thread.join();
  return isMade;
}

bool inNetworkNamespaceWithTun(const std::function<void()>& body) {
  return ::access("/dev/net/tun", R_OK | W_OK) == 0 && inNetworkNamespace(body);
}

bool run(const std::string& command) {
  const bool hasWorked = std::system(command.c_str()) == 0;
  if (!hasWorked) fail(__FILE__, __LINE__, "'" + command + "' failed");
  return hasWorked;
}

bool setSysctl(const std::string& path, const std::string& value) {
  std::FILE* const file = std::fopen(("/proc/sys/net/" + path).c_str(), "w");
  bool hasWorked = file != nullptr && std::fputs(value.c_str(), file) >= 0;
  if (file != nullptr) hasWorked &= std::fclose(file) == 0;
  if (!hasWorked) fail(__FILE__, __LINE__, "can't write " + value + " to " + path);
  return hasWorked;
}

bool eventually(const std::function<bool()>& condition) {
  for (int i = 0; i < 2000; i++) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

}  // namespace tunvs::testing
