// Makes a host without the kernel's tunnel modules a real server. A thread takes tunnel packets from sockets and writes
// the inner packets to a TUN device of its own, from where the host's stack receives them.
//
// Where the kernel can, datagrams of GUE are received several at a time (UDP_GRO), and TCP segments that came in one
// batch are written as one packet (realserver/inner_writer.h). All counters count them one by one.
//
// With a program in the kernel, the sockets get the first packet of each tunnel, and what the program leaves to them.
//
// Thread safety: any thread may call counters(); the control thread starts and destroys it.
//
// An open raw socket also keeps the kernel from answering "protocol unreachable" (measured on Linux 6.18 without the
// ipip module: with the socket nothing is answered, without it ICMP 3/2). The host set-up takes care of the VIP and the
// device's link.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/counter.h"
#include "core/result.h"
#include "io/os/loop_thread.h"
#include "io/os/unique_fd.h"
#include "io/tun/tun_device.h"
#include "realserver/decap.h"
#include "realserver/decap_counters.h"
#include "realserver/decap_path.h"
#include "realserver/inner_writer.h"
#include "realserver/tunnel_socket.h"

namespace tunvs {

struct DecapsulatorOptions {
  std::string device = "tunvs-rs%d";
  std::vector<AddressPrefix> directors;
  std::vector<IpAddress> virtualAddresses;
  std::vector<std::string> encapsulations = {"ipip"};  // names of kEncapsulations
  std::vector<uint16_t> guePorts;                      // UDP, host order
  bool usesOffloads = true;  // receives and writes several packets as one, where the kernel can
  bool usesProgram = false;  // a program in the kernel takes apart what it can (realserver/decap_path.h)
};

class Decapsulator {
 public:
  static Result<std::unique_ptr<Decapsulator>> start(const DecapsulatorOptions& options);
  ~Decapsulator();

  const std::string& device() const { return tun_->name(); }
  DecapCounters counters() const;
  // Returns why the thread ended: a socket or the device failed, and nothing is decapsulated any more. "" while it
  // runs.
  std::string failure() const;

 private:
  struct Buffers;
  Decapsulator(DecapRules rules, std::unique_ptr<TunDevice> tun, std::vector<TunnelSocket> sockets,
               std::unique_ptr<LoopThread> loop);
  void run();
  // Takes what comes until it is stopped or something fails.
  void carry();
  // Receives everything that waits. Returns false when the socket failed.
  bool receiveAll(const TunnelSocket& socket, Buffers& buffers);
  // Decapsulates what a message holds, which may be several datagrams, and leaves what is accepted to the writer.
  void take(const TunnelSocket& socket, const msghdr& message, std::span<uint8_t> bytes);
  // Writes what was accepted. Returns false when the device is gone.
  bool deliver();

  const DecapRules rules_;
  std::unique_ptr<TunDevice> tun_;
  const std::vector<TunnelSocket> sockets_;
  // Only the thread writes with these.
  const std::unique_ptr<InnerWriter> writer_;
  std::unique_ptr<DecapPath> path_;  // null without a program
  std::array<Counter, kDecapVerdicts> verdicts_;
  std::atomic<int> failureErrno_{0};
  std::unique_ptr<LoopThread> loop_;  // last: it uses all the others
};

}  // namespace tunvs
