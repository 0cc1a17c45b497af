// A port: what a director reads from and sends by. Each worker has one queue of it, and sees nothing else.
//
// Thread safety: a queue belongs to one worker; the port itself is opened and closed by the control thread, and
// outlives the workers.
//
// Who owns a buffer, from receive() to reclaim():
//  1. The buffers of a PacketVector are the worker's. It lends them to receive(), and has them back, filled, when that
//     returns. It reads into no vector of which a port holds a buffer.
//  2. send() lends packets to the port. Those of the vector that was read, the port may keep beyond send(): it holds
//  the vector, once for each of them, and releases it in reclaim(). All others (packets that the director made,
//  fragments and parked packets that had waited) are their owners' again when send() returns: what the port wants to
//  keep of them, it copies.
//  3. What a port keeps stays as it is, the headroom in front of it too, until the port has released it.
//  4. After abandon() a port touches no buffer that is not its own.
//  5. A port that has failed releases all in reclaim(), as if it were sent: a worker without a vector never comes to
//  receive(), which says why.
// A port that reads into memory of its own (a ring that the kernel fills) may point a vector's packets there, kHeadroom
// bytes behind where each begins. Such a packet is the worker's until the vector is lent to receive() again; what was
// not sent by then, the port has back with it, and what was sent, it owns from send() on.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "io/port/device.h"
#include "io/port/egress.h"
#include "packet/output_packet.h"

namespace tunvs {

class PortQueue : public DeviceQueue {
 public:
  // Sends in order, never blocking. What can't be sent is dropped and counted. May write into the packets, and into the
  // 14 bytes in front of each. `read`: the vector that these packets were read into, as far as they were.
  virtual SendResult send(std::span<const OutputPacket> packets, OutputWay way, PacketVector& read) = 0;

  // Whether it can send packets with an offload this way. Those that it can't, it never gets: they are counted as too
  // long.
  virtual bool canOffload(OutputWay) const { return false; }

  // Releases what has been sent since. Called before each receive(). A port that keeps nothing has nothing to do.
  virtual void reclaim() {}
  // Releases all, sent or not. Called when the worker ends.
  virtual void abandon() {}
  // A descriptor that becomes readable when reclaim() will release something: what a worker waits for that has no
  // vector left to read into. -1: there is none, and it looks every millisecond.
  virtual int reclaimDescriptor() const { return -1; }
};

class Port {
 public:
  virtual ~Port() = default;
  virtual const std::string& name() const = 0;     // of the device that it reads
  virtual bool attached() const { return false; }  // the device was there before, and stays
  virtual std::string_view egress() const = 0;     // by which all its queues send
  virtual size_t queueCount() const = 0;
  virtual PortQueue& queue(size_t index) = 0;  // REQUIRES: index < queueCount()
  virtual size_t maxPacketBytes() const = 0;   // the longest packet that receive() will deliver
  // Of the TUN queue behind a queue, for another port that writes into the same device; -1: there is none.
  virtual int tunDescriptor(size_t) const { return -1; }
};

}  // namespace tunvs
