// A director reads from a port and sends by it. Each worker has one queue of the port, and sees nothing else.
//
// Thread safety: a queue belongs to one worker; the control thread opens and closes the port itself, which outlives the
// workers.
//
// These rules say who owns a buffer, from receive() to reclaim():
//  1. The buffers of a PacketVector are the worker's. It lends them to receive(), and has them back, filled, when that
//     returns. It reads into no vector of which a port holds a buffer.
//  2. send() lends packets to the port. The port may keep those of the vector that was read beyond send(): it holds
//     the vector, once for each of them, and releases it in reclaim(). All others (packets that the director made,
//     fragments and parked packets that had waited) are their owners' again when send() returns; if the port wants to
//     keep some of them, it copies them.
//  3. What a port keeps stays as it is, with the headroom in front of it, until the port has released it.
//  4. After abandon() a port touches no buffer that is not its own.
//  5. A port that has failed releases everything in reclaim(), as if it were sent: a worker without a vector would
//     never call receive(), which says why it failed.
// A port that reads into memory of its own (a ring that the kernel fills) may point a vector's packets there, kHeadroom
// bytes behind where each begins. Such a packet is the worker's until the vector is lent to receive() again. With the
// vector, the port has back what was not sent by then; what was sent, it owns from send() on.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/address_prefix.h"
#include "io/port/device.h"
#include "io/port/egress.h"
#include "io/port/offload_choice.h"
#include "packet/output_packet.h"

namespace tunvs {

class PortQueue : public DeviceQueue {
 public:
  // Sends in order, without blocking. A packet that can't be sent is dropped and counted. May write into the packets,
  // and into the 14 bytes in front of each. `read` is the vector that these packets were read into, if they were read.
  virtual SendResult send(std::span<const OutputPacket> packets, OutputWay way, PacketVector& read) = 0;

  // Returns true when the port takes this packet with its offload, this way. If it doesn't, it is given what the packet
  // becomes when that is finished: its segments, or the packet with its checksum. REQUIRES: the packet has an offload
  virtual bool canOffload(OutputWay, const OutputPacket&) const { return false; }
  // Counts the packets whose offload was refused when they were sent, which were finished and sent again.
  virtual uint64_t offloadsRefused() const { return 0; }

  // Releases what has been sent since the last call. It is called before each receive(). A port that keeps nothing has
  // nothing to do.
  virtual void reclaim() {}
  // Releases everything, sent or not. It is called when the worker ends.
  virtual void abandon() {}
  // Returns a descriptor that becomes readable when reclaim() will release something; a worker that has no vector left
  // to read into waits for it. If it is -1, there is none, and the worker looks every millisecond.
  virtual int reclaimDescriptor() const { return -1; }
};

struct PortState {
  bool isTaking = true;
  std::string reason;       // why it does not take all that it is to take; "" when it does
  size_t prefixes = 0;      // that it takes
  uint64_t dropped = 0;     // packets for which it had no room, in all
  bool wasRenewed = false;  // its workers have to look at it anew
};

class Port {
 public:
  virtual ~Port() = default;
  virtual const std::string& name() const = 0;                  // of the device that it reads
  virtual bool attached() const { return false; }               // the device existed before, and stays
  virtual std::string_view steering() const { return "none"; }  // what chooses a packet's queue
  virtual std::string_view egress() const = 0;                  // the one by which all its queues send
  virtual size_t queueCount() const = 0;
  virtual PortQueue& queue(size_t index) = 0;  // REQUIRES: index < queueCount()
  virtual size_t maxPacketBytes() const = 0;   // the longest packet that receive() will deliver
  // Returns the TUN queue behind a queue, for another port that writes into the same device; -1 when there is none.
  virtual int tunDescriptor(size_t) const { return -1; }
  // Tells whether packets that are written to it begin with a virtio header.
  virtual bool hasVnetHeader() const { return false; }
  // Returns what became of each offload when the port was opened.
  virtual std::vector<OffloadState> offloads() const { return {}; }

  // Another process has the device from now on: nothing of it is put back when the port goes.
  virtual void leave() {}
  // A port that takes what comes in by a device of the host takes what is for these prefixes, from now on. On others
  // the host's routes decide.
  virtual void setPrefixes(std::vector<AddressPrefix>) {}
  // Looks whether it takes what it is to take, and mends that. Call this once a second.
  virtual PortState look() { return {}; }
};

}  // namespace tunvs
