#include "engine/file_pages.h"

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "engine/page_use.h"
#include "io/os/unique_fd.h"
#include "support/testing.h"

namespace tunvs::file_pages_test {
namespace {

constexpr size_t kBytes = 4 * kHugePageBytes + 12288;

std::span<std::byte> mapNew() {
  const UniqueFd fd(::memfd_create("tunvs-test", MFD_CLOEXEC));
  CHECK(fd && ::ftruncate(fd.get(), kBytes) == 0);
  auto mapped = mapFile(fd.get(), kBytes);
  CHECK(mapped.ok());
  return std::move(mapped).value();
}

TEST("a file is mapped where its pieces could be huge pages, as a whole and nothing beside it") {
  const std::span<std::byte> memory = mapNew();
  CHECK_EQ(reinterpret_cast<uintptr_t>(memory.data()) % kHugePageBytes, 0u);
  CHECK_EQ(memory.size(), kBytes);
  memory.front() = memory.back() = std::byte{1};
  CHECK_EQ(::munmap(memory.data(), memory.size()), 0);
  CHECK(!mapFile(-1, kBytes).ok());
}

TEST("what moves into huge pages stays as it is, while others write to it") {
  const std::span<std::byte> memory = mapNew();
  const std::span numbers(reinterpret_cast<std::atomic<uint64_t>*>(memory.data()), kBytes / sizeof(uint64_t));
  for (size_t i = 0; i < numbers.size(); i++) numbers[i] = i;
  std::atomic<bool> isDone = false;
  uint64_t rounds = 0;
  std::thread writer([&] {
    for (; !isDone || rounds == 0; rounds++) {
      for (size_t i = 0; i < numbers.size(); i += 64) numbers[i].fetch_add(1, std::memory_order_relaxed);
    }
  });
  size_t moved = 0;
  for (int time = 0; time < 20; time++) moved = std::max(moved, moveToHugePages(memory));
  isDone = true;
  writer.join();
  size_t wrong = 0;
  for (size_t i = 0; i < numbers.size(); i++) wrong += numbers[i] != i + (i % 64 == 0 ? rounds : 0);
  CHECK_EQ(wrong, 0u);
  const PageUse use = pageUseIn(readSmaps().value(), memory);
  ::munmap(memory.data(), memory.size());
  if (moved == 0) SKIP("this kernel moves no file into huge pages");
  CHECK(moved <= kBytes && moved % kHugePageBytes == 0);
  CHECK(use.hugeBytes >= moved / 2);
}

TEST("it ends when it is asked to") {
  const std::span<std::byte> memory = mapNew();
  std::stop_source source;
  source.request_stop();
  CHECK_EQ(moveToHugePages(memory, source.get_token()), 0u);
  ::munmap(memory.data(), memory.size());
}

}  // namespace
}  // namespace tunvs::file_pages_test
