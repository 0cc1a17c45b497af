#include "io/tun/tun_device.h"

#include <fcntl.h>
#include <net/if.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "io/os/tun_uapi.h"
#include "io/route/netlink.h"
#include "io/tun/held_devices.h"
#include "io/tun/tun_queue.h"

namespace tunvs {
namespace {

// This many packets may wait in the kernel while a worker is busy or not scheduled: 10 ms at 1 Mpps, as against 500
// packets by default.
constexpr int kTxQueueLength = 10000;

uapi::InterfaceRequest requestFor(const std::string& name) {
  uapi::InterfaceRequest request{};
  name.copy(request.name, sizeof request.name - 1);
  return request;
}

Result<void> checkOptions(const TunOptions& options) {
  const std::string quoted = "'" + options.name + "'";
  if (options.name.empty() || options.name.size() >= uapi::kInterfaceNameBytes || options.name == "." ||
      options.name == ".." || options.name.find_first_of("/: \t\n") != std::string::npos) {
    return Error::make(ErrorCode::invalidArgument,
                       "device name " + quoted + " is not 1 to 15 bytes without space, slash or colon");
  }
  if (options.queues < 1 || options.queues > uapi::kMaxTunQueues) {
    return Error::make(ErrorCode::invalidArgument,
                       "a TUN device has 1 to 256 queues, not " + std::to_string(options.queues));
  }
  if (options.maxPacketBytes < 64 || options.maxPacketBytes > kMaxPacketBytes) {
    return Error::make(ErrorCode::invalidArgument,
                       "maxPacketBytes is 64 to 65535, not " + std::to_string(options.maxPacketBytes));
  }
  return {};
}

Result<UniqueFd> openCloneDevice() {
  UniqueFd fd(retryOnInterrupt([] { return ::open(uapi::kTunPath, O_RDWR | O_NONBLOCK | O_CLOEXEC); }));
  if (fd) return fd;
  const int error = errno;
  switch (error) {
    case ENOENT:
      return Error{
          ErrorCode::noDevice,
          "/dev/net/tun does not exist: create it (mkdir -p /dev/net && mknod /dev/net/tun c 10 200), or start the "
          "container with --device /dev/net/tun",
          error, "open"};
    case ENODEV:
    case ENXIO:
      return Error{
          ErrorCode::noDevice,
          "this kernel has no TUN driver behind /dev/net/tun: load it (modprobe tun) or use a kernel with CONFIG_TUN",
          error, "open"};
    case EPERM:
    case EACCES:
      return Error{
          ErrorCode::permission,
          "/dev/net/tun may not be opened: give this user read and write access to it, or start the container with "
          "--device /dev/net/tun",
          error, "open"};
    default: return Error::fromErrno(error, "open", "can't open /dev/net/tun");
  }
}

std::string recreateCommands(const std::string& name) {
  return "ip tuntap del dev " + name + " mode tun && ip tuntap add dev " + name + " mode tun multi_queue";
}

Error inUse(const std::string& name) {
  if (isTunDeviceOpenHere(name)) {
    return Error{ErrorCode::busy,
                 "device '" + name + "' is open in this process already: close what has it, or choose another name",
                 EBUSY, "ioctl(TUNSETIFF)"};
  }
  return Error{ErrorCode::busy,
               "device '" + name +
                   "' is held by another process, perhaps another director: stop that (fuser -v /dev/net/tun "
                   "lists candidates) or choose another name",
               EBUSY, "ioctl(TUNSETIFF)"};
}

// Returns what forbids attaching to an existing device. The kernel would let a second process take queues of a
// multi-queue device, and the two directors would share its packets without knowing.
Result<void> checkExisting(const LinkAnswer& link, size_t queues) {
  const std::string quoted = "'" + link.name + "'";
  if (link.kind != "tun" || link.tunType == 2) {
    return Error::make(ErrorCode::invalidArgument,
                       "network interface " + quoted + " exists and is not a TUN device: choose another name");
  }
  if (link.tunType == 0) return {};  // before Linux 4.18 the kernel tells no more
  if (!link.isTunPersistent || link.tunQueues > 0) return inUse(link.name);
  if (!link.isTunMultiQueue && queues > 1) {
    return Error::make(ErrorCode::invalidArgument,
                       "device " + quoted + " has a single queue and " + std::to_string(queues) +
                           " were asked for: ask for one, or make it anew (" + recreateCommands(link.name) + ")");
  }
  return {};
}

Error attachError(int error, const std::string& name, bool exists) {
  switch (error) {
    case EPERM:
    case EACCES:
      return Error{ErrorCode::permission,
                   exists ? "device '" + name +
                                "' belongs to another user: run with CAP_NET_ADMIN, or make it anew with "
                                "\"user\" (ip tuntap add dev " +
                                name + " mode tun multi_queue user USER)"
                          : "creating device '" + name +
                                "' needs CAP_NET_ADMIN: run as root or give the capability, or let "
                                "root create it (ip tuntap add dev " +
                                name + " mode tun multi_queue user USER)",
                   error, "ioctl(TUNSETIFF)"};
    case EBUSY: return inUse(name);
    case EINVAL:
      if (exists) {
        return Error{ErrorCode::invalidArgument,
                     "device '" + name +
                         "' exists and is not a multi-queue TUN device: choose another name or make it anew (" +
                         recreateCommands(name) + ")",
                     error, "ioctl(TUNSETIFF)"};
      }
      [[fallthrough]];
    default: return Error::fromErrno(error, "ioctl(TUNSETIFF)", "can't open TUN device '" + name + "'");
  }
}

// This is best effort: the default length works, but loses more in a burst.
void raiseTxQueueLength(const std::string& name) {
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) return;
  uapi::InterfaceRequest request = requestFor(name);
  request.number = kTxQueueLength;
  ::ioctl(socket.get(), uapi::kSetTxQueueLength, &request);
}

// The first to open a device says for all of its queues whether a header stands in front of packets, and the device
// keeps that until it is opened anew. Who has opened it meanwhile is left alone: the kernel heeds no second opener.
void clearHeader(const std::string& name) {
  for (const short queues : {uapi::kIffMultiQueue, short{0}}) {
    const auto opened = openCloneDevice();
    if (!opened || ::if_nametoindex(name.c_str()) == 0) return;
    uapi::InterfaceRequest request = requestFor(name);
    request.flags = static_cast<decltype(request.flags)>(uapi::kIffTun | uapi::kIffNoPacketInfo | queues);
    if (::ioctl(opened->get(), uapi::kTunSetInterface, &request) == 0 || errno != EINVAL) return;
  }
}

}  // namespace

Result<void> TunDevice::makeQueues(std::vector<UniqueFd> descriptors, const TunOptions& options) {
  auto offloads = agreeOnOffloads(descriptors[0].get(), options.offloads);
  if (!offloads) return offloads.error();
  offloads_ = std::move(offloads).value();
  for (UniqueFd& fd : descriptors) {
    queues_.push_back(offloads_.hasHeader ? makeTunQueueWithHeaders(std::move(fd), name_, options.maxPacketBytes)
                                          : makeTunQueue(std::move(fd), name_));
  }
  return {};
}

// Only what opened the device first says whether a header stands in front of its packets.
Result<std::unique_ptr<TunDevice>> TunDevice::adopt(const TunOptions& options) {
  std::vector<UniqueFd> descriptors;
  for (const int given : options.given) {
    descriptors.emplace_back(::fcntl(given, F_DUPFD_CLOEXEC, 0));
    if (!descriptors.back()) return Error::fromErrno(errno, "fcntl", "what was handed over is not open");
  }
  uapi::InterfaceRequest request{};
  if (::ioctl(descriptors[0].get(), uapi::kTunGetInterface, &request) < 0)
    return Error::fromErrno(errno, "ioctl(TUNGETIFF)", "what was handed over is no TUN device");
  const bool hasHeader = (request.flags & uapi::kIffVnetHeader) != 0;
  if (hasHeader == options.offloads.isOff()) {
    return Error::make(ErrorCode::unsupported, std::string("the device was opened ") +
                                                   (hasHeader ? "with" : "without") +
                                                   " offloads, and a takeover can't change that; restart instead");
  }
  std::unique_ptr<TunDevice> device(new TunDevice(request.name, options.wasAttached, options.maxPacketBytes));
  if (auto made = device->makeQueues(std::move(descriptors), options); !made) return made.error();
  if (options.given.size() > 1) device->steering_ = options.steersByProgram ? Steering::bpf : Steering::kernel;
  return device;
}

Result<std::unique_ptr<TunDevice>> TunDevice::open(const TunOptions& options) {
  if (!options.given.empty()) return adopt(options);
  if (auto valid = checkOptions(options); !valid) return valid.error();
  auto netlink = Netlink::open();
  if (!netlink) return netlink.error();

  bool exists = false;
  bool isMultiQueue = true;
  if (auto link = netlink.value()->link(options.name); link.ok()) {
    if (auto usable = checkExisting(link.value(), options.queues); !usable) return usable.error();
    exists = true;
    isMultiQueue = link->tunType == 0 || link->isTunMultiQueue;
  }

  uapi::InterfaceRequest request = requestFor(options.name);
  std::vector<UniqueFd> descriptors;
  for (size_t i = 0; i < options.queues; i++) {
    auto fd = openCloneDevice();
    if (!fd) return fd.error();
    request.flags = uapi::kIffTun | uapi::kIffNoPacketInfo;
    if (isMultiQueue) request.flags |= uapi::kIffMultiQueue;
    if (!options.offloads.isOff()) request.flags |= uapi::kIffVnetHeader;
    // The kernel writes the name that it gave into the request, so that the next queues join the same device.
    if (retryOnInterrupt([&] { return ::ioctl(fd->get(), uapi::kTunSetInterface, &request); }) < 0) {
      return attachError(errno, options.name, exists);
    }
    descriptors.push_back(std::move(fd).value());
  }

  std::unique_ptr<TunDevice> device(new TunDevice(request.name, exists, options.maxPacketBytes));
  if (auto made = device->makeQueues(std::move(descriptors), options); !made) return made.error();
  if (!exists) raiseTxQueueLength(device->name_);
  // A director that was killed left its program on the device.
  if (exists) steerByKernel(device->descriptor(0));
  if (options.queues > 1) device->steer(options.steersByProgram);
  return device;
}

TunDevice::TunDevice(std::string name, bool isAttached, size_t maxPacketBytes)
    : name_(std::move(name)), isAttached_(isAttached), maxPacketBytes_(maxPacketBytes) {}

TunDevice::~TunDevice() {
  if (isLeft_) return;
  if (isAttached_ && steering_ == Steering::bpf) steerByKernel(descriptor(0));
  // The next opener of a device that stays may know nothing of offloads, and would take a packet that is still to be
  // cut for one.
  if (isAttached_ && offloads_.hasHeader && !queues_.empty()) {
    clearOffloads(descriptor(0));
    queues_.clear();
    clearHeader(name_);
  }
}

// The kernel's own steering serves where it takes no program: no such ioctl, or no right to load one.
void TunDevice::steer(bool byProgram) {
  uint64_t seed = 0;
  const bool isSteered = byProgram && ::getrandom(&seed, sizeof seed, 0) == static_cast<ssize_t>(sizeof seed) &&
                         steerByProgram(descriptor(0), seed).ok();
  steering_ = isSteered ? Steering::bpf : Steering::kernel;
}

DeviceQueue& TunDevice::queue(size_t index) {
  assert(index < queues_.size());
  return *queues_[index];
}

int TunDevice::descriptor(size_t index) const {
  assert(index < queues_.size());
  return queues_[index]->pollDescriptor();
}

}  // namespace tunvs
