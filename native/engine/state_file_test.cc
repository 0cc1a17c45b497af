#include "engine/state_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "support/test_director.h"
#include "support/testing.h"

namespace tunvs::state_file_test {
namespace {

using testing::TestDirector;

// A folder of its own on a tmpfs.
struct Folder {
  std::string path = "/dev/shm/tunvs-state-XXXXXX";
  Folder() {
    if (::mkdtemp(path.data()) == nullptr) std::abort();
  }
  ~Folder() {
    ::unlink(file().c_str());
    ::rmdir(path.c_str());
  }
  std::string file() const { return path + "/" + std::string(StateFile::kName); }
};

DirectorOptions optionsOf(uint32_t maxConnections = ConnTable::kMinCapacity) {
  DirectorOptions options = TestDirector::defaultOptions();
  options.maxConnections = maxConnections;
  return options;
}

// Opens a connection of a director that lies in the folder's file.
void leaveConnection(const Folder& folder, uint32_t client) {
  const DirectorOptions options = optionsOf();
  auto file = StateFile::open(folder.path, options);
  REQUIRE(file.ok());
  TestDirector t(options, file.value().memory());
  t.addService();
  t.addServer(11);
  CHECK_EQ(t.tcp(client, kTcpSyn), "11");
}

TEST("a director finds in its file what the one before has left, and its memory is there as a whole") {
  const Folder folder;
  for (uint32_t i = 0; i < 5; i++) {
    auto file = StateFile::open(folder.path, optionsOf());
    REQUIRE(file.ok());
    CHECK_EQ(file.value().memory().isOld, i > 0);
    CHECK_EQ(file.value().why(), "");
    TestDirector t(optionsOf(), file.value().memory());
    CHECK_EQ(t.director.takenOver().connections, i);
    t.addService();
    t.addServer(11);
    CHECK_EQ(t.tcp(i, kTcpSyn), "11");
    struct stat status {};
    CHECK_EQ(::stat(folder.file().c_str(), &status), 0);
    CHECK(status.st_blocks * 512 >= status.st_size);
    CHECK_EQ(status.st_mode & 07777, 0600u);
  }
}

TEST("a director's file moves into huge pages while it works in it, and the next one finds all of it") {
  const Folder folder;
  for (uint32_t i = 0; i < 20; i++) {
    auto file = StateFile::open(folder.path, optionsOf(1u << 16));
    REQUIRE(file.ok());
    file.value().beginMoving();
    file.value().beginMoving();
    TestDirector t(optionsOf(1u << 16), file.value().memory());
    CHECK_EQ(t.director.takenOver().connections, uint64_t{i} * 100);
    CHECK_EQ(t.director.takenOver().ended, 0u);
    t.addService();
    t.addServer(11);
    for (uint32_t client = i * 100; client < i * 100 + 100; client++) CHECK_EQ(t.tcp(client, kTcpSyn), "11");
    StateFile moved = std::move(file).value();
  }
}

TEST("one director has a file at a time, and its kill frees it") {
  const Folder folder;
  int ready[2];
  REQUIRE(::pipe(ready) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto file = StateFile::open(folder.path, optionsOf());
    static_cast<void>(!::write(ready[1], file.ok() ? "+" : "-", 1));  // who waits finds out
    for (;;) ::pause();
  }
  char said = 0;
  CHECK_EQ(::read(ready[0], &said, 1), 1);
  CHECK_EQ(said, '+');
  const auto second = StateFile::open(folder.path, optionsOf());
  CHECK(!second.ok() && second.error().code == ErrorCode::busy);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  CHECK(StateFile::open(folder.path, optionsOf()).ok());
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST("what another kind of director has left, or nobody, is not taken, and why() says so") {
  const Folder folder;
  leaveConnection(folder, 1);
  {
    auto other = StateFile::open(folder.path, optionsOf(4096));
    REQUIRE(other.ok());
    CHECK(!other.value().memory().isOld);
    CHECK(other.value().why().find("maxConnections") != std::string::npos);
  }
  const auto isTakenAfter = [&](auto&& harm) {
    static_cast<void>(StateFile::open(folder.path, optionsOf(2048)));  // makes the next one begin anew
    leaveConnection(folder, 1);
    harm(folder.file());
    auto file = StateFile::open(folder.path, optionsOf());
    if (!file.ok()) return std::string("refused");
    CHECK_EQ(file.value().memory().isOld, file.value().why().empty());
    TestDirector t(optionsOf(), file.value().memory());  // works, whatever was there
    t.addService();
    t.addServer(11);
    CHECK_EQ(t.tcp(7, kTcpSyn), "11");
    return file.value().why();
  };
  const auto with = [](off_t at, const std::string& bytes) {
    return [at, bytes](const std::string& path) {
      const UniqueFd fd(::open(path.c_str(), O_WRONLY));
      CHECK_EQ(::pwrite(fd.get(), bytes.data(), bytes.size(), at), static_cast<ssize_t>(bytes.size()));
    };
  };
  CHECK_EQ(isTakenAfter([](const std::string&) {}), "");
  CHECK_EQ(isTakenAfter(with(0, "x")), "refused");
  ::unlink(folder.file().c_str());
  CHECK(isTakenAfter(with(8, std::string("\x01\0\0\0", 4))).find("another version") != std::string::npos);
  CHECK(isTakenAfter(with(12, std::string("\x02\0\0\0", 4))).find("maxConnections") != std::string::npos);
  CHECK(isTakenAfter(with(40, "00000000-0000-0000-0000-000000000000")).find("booted") != std::string::npos);
  CHECK(isTakenAfter(with(76, std::string(4, '\0'))).find("not finished") != std::string::npos);
  CHECK(isTakenAfter([](const std::string& path) { CHECK_EQ(::truncate(path.c_str(), 100), 0); }) != "");
  CHECK(isTakenAfter([](const std::string& path) { CHECK_EQ(::chmod(path.c_str(), 0640), 0); }) == "refused");
  CHECK_EQ(::chmod(folder.file().c_str(), 0600), 0);
}

TEST("a file with holes, or with another name, is not worked in") {
  const Folder folder;
  leaveConnection(folder, 1);
  const std::string other = folder.path + "-other";
  CHECK_EQ(::link(folder.file().c_str(), other.c_str()), 0);
  CHECK(!StateFile::open(folder.path, optionsOf()).ok());
  ::unlink(other.c_str());
  CHECK(StateFile::open(folder.path, optionsOf()).value().memory().isOld);
  struct stat status {};
  CHECK_EQ(::stat(folder.file().c_str(), &status), 0);
  ::unlink(folder.file().c_str());
  const UniqueFd fd(::open(folder.file().c_str(), O_RDWR | O_CREAT, 0600));
  CHECK_EQ(::ftruncate(fd.get(), status.st_size), 0);
  const auto file = StateFile::open(folder.path, optionsOf());
  REQUIRE(file.ok());
  CHECK(!file.value().memory().isOld);
  CHECK_EQ(::stat(folder.file().c_str(), &status), 0);
  CHECK(status.st_blocks * 512 >= status.st_size);
}

TEST("a file that is none, or lies on no tmpfs, is refused with a mend") {
  const Folder folder;
  CHECK_EQ(::symlink("/dev/shm/elsewhere", folder.file().c_str()), 0);
  CHECK(!StateFile::open(folder.path, optionsOf()).ok());
  ::unlink(folder.file().c_str());
  CHECK_EQ(::mkfifo(folder.file().c_str(), 0600), 0);
  CHECK(!StateFile::open(folder.path, optionsOf()).ok());
  ::unlink(folder.file().c_str());
  CHECK(!StateFile::open(folder.path + "/nowhere", optionsOf()).ok());
  const auto onDisk = StateFile::open("/proc/self", optionsOf());
  CHECK(!onDisk.ok());
}

}  // namespace
}  // namespace tunvs::state_file_test
