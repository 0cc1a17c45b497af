#include <atomic>
#include <mutex>
#include <vector>

#include "support/testing.h"

namespace tunvs::testing {
namespace {

struct Test {
  const char* file;
  int line;
  const char* sentence;
  TestFunction function;
};

// Tests register during static initialisation, in no order of files, so the list is made on first use.
std::vector<Test>& tests() {
  static std::vector<Test> list;
  return list;
}

struct Outcome {
  std::atomic<bool> hasFailed = false;
  std::string skipReason;
};

Outcome outcome;
std::mutex outputLock;

bool isWanted(const Test& test, std::string_view filter) {
  return std::string_view(test.sentence).find(filter) != std::string_view::npos ||
         std::string_view(test.file).find(filter) != std::string_view::npos;
}

}  // namespace

bool registerTest(const char* file, int line, const char* sentence, TestFunction function) {
  tests().push_back({file, line, sentence, function});
  return true;
}

void fail(const char* file, int line, const std::string& message) {
  const std::lock_guard guard(outputLock);
  outcome.hasFailed = true;
  std::printf("    %s:%d: FAILED: %s\n", file, line, message.c_str());
  std::fflush(stdout);
}

void skip(const std::string& reason) { outcome.skipReason = reason; }

int runTests(std::string_view filter) {
  size_t passed = 0, failed = 0, skipped = 0;
  for (const Test& test : tests()) {
    if (!isWanted(test, filter)) continue;
    outcome.hasFailed = false;
    outcome.skipReason.clear();
    std::printf("%s\n", test.sentence);  // printed before it runs: after a crash the last line names the culprit
    std::fflush(stdout);
    test.function();
    if (outcome.hasFailed) {
      failed++;
    } else if (!outcome.skipReason.empty()) {
      skipped++;
      std::printf("    skipped: %s\n", outcome.skipReason.c_str());
    } else {
      passed++;
    }
  }
  if (passed + failed + skipped == 0) {
    std::printf("no test ran: none has '%.*s' in its sentence or file\n", static_cast<int>(filter.size()),
                filter.data());
    failed++;
  }
  if (skipped > 0) std::printf("%zu skipped\n", skipped);
  std::printf("%zu passed, %zu failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}

}  // namespace tunvs::testing
