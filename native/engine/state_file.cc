#include "engine/state_file.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "engine/file_pages.h"
#include "io/os/file_lock.h"

namespace tunvs {
namespace {

constexpr uint64_t kMagic = 0x31747373766e7574;  // "tunvsst1", little endian
constexpr uint32_t kVersion = 2;
constexpr size_t kHeaderBytes = 4096, kBootBytes = 36;
constexpr int kLooksAtLock = 100, kBetweenLooksUs = 10'000;

// Everything in it is written before `isWhole`.
struct Header {
  uint64_t magic;
  uint32_t version;
  uint32_t capacity;
  uint64_t directoryBytes, noteBytes, tableBytes;
  char boot[kBootBytes];  // deadlines are of no use in another one
  std::atomic<uint32_t> isWhole;
};
static_assert(sizeof(Header) <= kHeaderBytes);

struct Sizes {
  size_t directory, notes, tables;  // each is a multiple of 4096
  size_t all() const { return kHeaderBytes + directory + notes + tables; }
};

Sizes sizesFor(const DirectorOptions& options) {
  const auto inPages = [](size_t bytes) { return (bytes + 4095) / 4096 * 4096; };
  return {inPages(ServerDirectory::bytes()), inPages(Director::noteBytes(options)), Director::tableBytes(options)};
}

// Returns spaces where it can't be read, which is the same name every time.
std::string bootName() {
  const UniqueFd fd(::open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC));
  std::string name(kBootBytes, ' ');
  const bool isRead = fd && ::read(fd.get(), name.data(), name.size()) == static_cast<ssize_t>(name.size());
  return isRead ? name : std::string(kBootBytes, ' ');
}

// The state must lie in memory: a packet would write to a disk otherwise.
Result<void> checkSystem(const std::string& folder) {
  struct statfs system {};
  if (::statfs(folder.c_str(), &system) != 0)
    return Error::fromErrno(errno, "statfs", "can't look at the folder of the state " + folder);
  if (system.f_type == TMPFS_MAGIC || system.f_type == RAMFS_MAGIC) return {};
  return Error::make(
      ErrorCode::invalidArgument,
      folder + " does not lie in memory, so every packet would write to a disk; name a folder of a tmpfs, as /run is");
}

Result<UniqueFd> openFile(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600));
  if (!fd) return Error::fromErrno(errno, "open", "can't open the state " + path);
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return Error::fromErrno(errno, "fstat", "can't look at the state " + path);
  const auto refuse = [&](ErrorCode code, const std::string& what) { return Error::make(code, path + " " + what); };
  if (S_ISREG(status.st_mode) && status.st_nlink != 1)
    return refuse(ErrorCode::permission, "has another name elsewhere, where something else may count on it; remove it");
  if (!S_ISREG(status.st_mode)) return refuse(ErrorCode::invalidArgument, "is no file; name another folder");
  if (status.st_uid != ::geteuid() || (status.st_mode & 0077) != 0) {
    return refuse(ErrorCode::permission,
                  "belongs to another user, or others may use it, so what it says is not believed; remove it");
  }
  // What a killed director has just begun to make begins with zeros.
  uint64_t magic = kMagic;
  const ssize_t begins = ::pread(fd.get(), &magic, sizeof magic, 0);
  if (begins > 0 && magic != kMagic && magic != 0)
    return refuse(ErrorCode::invalidArgument, "is no state of a director; remove it, or name another folder");
  // A director that was killed a moment ago has the lock until the kernel has closed its files.
  for (int look = 0;; look++) {
    const auto locked = tryLockFile(fd.get());
    if (!locked) return locked.error();
    if (locked.value()) return fd;
    if (look == kLooksAtLock)
      return refuse(ErrorCode::busy, "is in use by another director; stop that, or name another folder");
    ::usleep(kBetweenLooksUs);
  }
}

// Tells what is wrong with what a file of the right length holds; "" if nothing is.
std::string wrongWith(const std::byte* at, const Sizes& sizes, const DirectorOptions& options) {
  const auto& header = *reinterpret_cast<const Header*>(at);
  if (header.isWhole.load(std::memory_order_acquire) != 1) return "it was not finished";
  if (header.magic != kMagic || header.version != kVersion) return "another version of tunvs made it";
  if (header.directoryBytes != sizes.directory || header.noteBytes != sizes.notes ||
      header.tableBytes != sizes.tables || header.capacity != options.maxConnections)
    return "it was made for another number of connections (maxConnections)";
  if (std::string_view(header.boot, kBootBytes) != bootName()) return "the host was booted since";
  return "";
}

Result<std::span<std::byte>> mapped(int fd, size_t bytes, const std::string& path) {
  auto at = mapFile(fd, bytes);
  if (!at) return Error::fromErrno(at.error().errnoValue, "mmap", "can't map the state " + path);
  return at;
}

// Makes the file empty, with all of its memory.
Result<void> clear(int fd, size_t bytes, const std::string& path) {
  const auto length = static_cast<off_t>(bytes);
  if (::ftruncate(fd, 0) != 0 || ::ftruncate(fd, length) != 0)
    return Error::fromErrno(errno, "ftruncate", "can't make the state " + path);
  const int error = ::posix_fallocate(fd, 0, length);
  if (error == 0) return {};
  static_cast<void>(!::ftruncate(fd, 0));  // the next start finds nothing, or fails as this one does
  return Error::fromErrno(error, "fallocate",
                          "no memory for the state " + path + ", which takes " + std::to_string((bytes >> 20) + 1) +
                              " MiB of its tmpfs; ask for fewer connections, or mount a larger one");
}

void finish(std::byte* at, const Sizes& sizes, const DirectorOptions& options) {
  auto* header = new (at) Header{};
  header->magic = kMagic;
  header->version = kVersion;
  header->capacity = options.maxConnections;
  header->directoryBytes = sizes.directory;
  header->noteBytes = sizes.notes;
  header->tableBytes = sizes.tables;
  const std::string boot = bootName();
  std::memcpy(header->boot, boot.data(), kBootBytes);
  header->isWhole.store(1, std::memory_order_release);
}

}  // namespace

std::string StateFile::layout() {
  return std::to_string(kVersion) + "." + std::to_string(ConnRegion::kLayoutVersion) + "." +
         std::to_string(ServerDirectory::bytes()) + "." + std::to_string(Director::noteBytes(DirectorOptions{})) + "." +
         std::to_string(Director::tableBytes(DirectorOptions{}));
}

Result<StateFile> StateFile::open(const std::string& folder, const DirectorOptions& options) {
  const std::string path = folder + "/" + std::string(kName);
  const Sizes sizes = sizesFor(options);
  if (auto checked = checkSystem(folder); !checked) return checked.error();
  auto file = openFile(path);
  if (!file) return file.error();
  struct stat status {};
  if (::fstat(file.value().get(), &status) != 0)
    return Error::fromErrno(errno, "fstat", "can't look at the state " + path);
  const auto found = static_cast<uint64_t>(status.st_size);
  // A copy may have holes, and whoever writes into one is killed when the memory is used up.
  const bool isWhole = found == sizes.all() && static_cast<uint64_t>(status.st_blocks) * 512 >= found;
  if (!isWhole) {
    if (auto cleared = clear(file.value().get(), sizes.all(), path); !cleared) return cleared.error();
  }
  auto at = mapped(file.value().get(), sizes.all(), path);
  if (!at) return at.error();
  const std::span<std::byte> bytes = at.value();
  StateFile state(std::move(file).value(), bytes);
  const std::span<std::byte> notes = bytes.subspan(kHeaderBytes + sizes.directory, Director::noteBytes(options));
  state.memory_ = {bytes.last(sizes.tables), bytes.subspan(kHeaderBytes, ServerDirectory::bytes()), notes,
                   /*isOld=*/isWhole};
  if (state.memory_.isOld) {
    state.why_ = wrongWith(bytes.data(), sizes, options);
    if (state.why_.empty()) {
      if (auto checked = Director::checkOld(options, state.memory_); !checked) state.why_ = checked.error().message;
    }
    if (state.why_.empty()) return state;
    if (auto cleared = clear(state.fd_.get(), sizes.all(), path); !cleared) return cleared.error();
  } else if (found != 0) {
    state.why_ = "it was made for another number of connections (maxConnections), or is none";
  }
  state.memory_.isOld = false;
  finish(bytes.data(), sizes, options);
  return state;
}

StateFile::StateFile(UniqueFd fd, std::span<std::byte> mapped) : fd_(std::move(fd)), mapped_(mapped) {}

StateFile::StateFile(StateFile&& other) noexcept
    : fd_(std::move(other.fd_)),
      mapped_(std::exchange(other.mapped_, {})),
      memory_(other.memory_),
      why_(std::move(other.why_)),
      stop_(std::move(other.stop_)),
      mover_(std::move(other.mover_)) {}

void StateFile::beginMoving() {
  if (mover_ != nullptr) return;
  mover_ = std::make_unique<Thread>();
  stop_ = std::stop_source();
  // It works as well in small pages, where there is no thread.
  static_cast<void>(
      mover_->start("tunvs-pages", [memory = mapped_, stop = stop_.get_token()] { moveToHugePages(memory, stop); }));
}

void StateFile::giveUp() { unlockFile(fd_.get()); }

StateFile::~StateFile() {
  stop_.request_stop();
  mover_.reset();
  if (!mapped_.empty()) ::munmap(mapped_.data(), mapped_.size());
}

}  // namespace tunvs
