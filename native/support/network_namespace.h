// TEST_IN_NAMESPACE("sentence") { ... } makes a test that has a kernel's network stack to itself, and TEST_WITH_TUN one
// that opens TUN devices. Where there can be no namespace or device they are skipped, and say what they need.
//
// Thread safety: as the test that calls it.
#pragma once

#include <functional>
#include <string>

#include "support/testing.h"

namespace tunvs::testing {

// Runs `body` on a thread of its own within a new network namespace, and waits for it. Threads and programs that the
// body starts live in that namespace too; it goes when the last of them and the body's descriptors are gone. Returns
// false without running anything when this process may not make a namespace; as root and under "unshare -Urn" it may.
[[nodiscard]] bool inNetworkNamespace(const std::function<void()>& body);

// A test says this when inNetworkNamespace() is false.
inline constexpr char kNoNamespace[] = "needs a network namespace: run as root or under unshare -Urn";

// Does the same for a body that opens TUN devices; false too when /dev/net/tun may not be opened.
[[nodiscard]] bool inNetworkNamespaceWithTun(const std::function<void()>& body);
inline constexpr char kNoTun[] = "needs /dev/net/tun and a network namespace: run as root or under unshare -Urn";

// Runs a shell command, and fails the test when the command fails. REQUIRES: the command is short and ends by itself
bool run(const std::string& command);

// Writes to a file under /proc/sys/net of the calling thread's namespace; fails the test when it can't.
bool setSysctl(const std::string& path, const std::string& value);

// Waits until `condition` holds; false when it still does not after ten seconds, which no healthy run needs.
[[nodiscard]] bool eventually(const std::function<bool()>& condition);

}  // namespace tunvs::testing

#define TUNVS_TEST_WITHIN_(sentence, within, need, name)                     \
  static void TUNVS_TEST_JOIN_(name, Body)();                                \
  TUNVS_TEST_(sentence, name) {                                              \
    if (!::tunvs::testing::within(TUNVS_TEST_JOIN_(name, Body))) SKIP(need); \
  }                                                                          \
  static void TUNVS_TEST_JOIN_(name, Body)()

// Runs the body by itself in a new network namespace, as inNetworkNamespace() does.
#define TEST_IN_NAMESPACE(sentence) \
  TUNVS_TEST_WITHIN_(sentence, inNetworkNamespace, ::tunvs::testing::kNoNamespace, TUNVS_TEST_NAME_(__COUNTER__))
#define TEST_WITH_TUN(sentence) \
  TUNVS_TEST_WITHIN_(sentence, inNetworkNamespaceWithTun, ::tunvs::testing::kNoTun, TUNVS_TEST_NAME_(__COUNTER__))
