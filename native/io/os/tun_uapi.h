// Declares the part of the kernel's TUN and interface-request ABI that we need: <linux/if.h> collides with <net/if.h>,
// and Debian 12's <linux/virtio_net.h>, which users of <linux/if_tun.h> include in the end, does not compile as C++.
#pragma once

#include <sys/ioctl.h>

#include <cstddef>
#include <cstdint>

namespace tunvs::uapi {

inline constexpr char kTunPath[] = "/dev/net/tun";
inline constexpr size_t kInterfaceNameBytes = 16;  // IFNAMSIZ, the final zero included
inline constexpr size_t kMaxTunQueues = 256;       // MAX_TAP_QUEUES; Linux 3.8 had 8, 4.x raised it to 256

// These are flags of TUNSETIFF, Linux 2.6.27 unless said otherwise.
inline constexpr short kIffTun = 0x0001;
inline constexpr short kIffMultiQueue = 0x0100;  // Linux 3.8
inline constexpr short kIffNoPacketInfo = 0x1000;
inline constexpr short kIffVnetHeader = 0x4000;

// This is struct ifreq, with names for only the members used here. Its size is part of every ioctl's ABI.
struct InterfaceRequest {
  char name[kInterfaceNameBytes];
  union {
    short flags;
    int number;
    uint64_t padding[3];
  };
};
static_assert(offsetof(InterfaceRequest, flags) == 16);
static_assert(sizeof(void*) != 8 || sizeof(InterfaceRequest) == 40);  // struct ifmap makes it 40 bytes on 64-bit Linux

inline constexpr unsigned long kTunSetInterface = _IOW('T', 202, int);        // TUNSETIFF
inline constexpr unsigned long kTunGetInterface = _IOR('T', 210, unsigned);   // TUNGETIFF, Linux 2.6.27
inline constexpr unsigned long kTunSetOffload = _IOW('T', 208, unsigned);     // TUNSETOFFLOAD
inline constexpr unsigned long kTunSetVnetHeaderBytes = _IOW('T', 216, int);  // TUNSETVNETHDRSZ, Linux 2.6.35
inline constexpr unsigned long kTunSetVnetLittle = _IOW('T', 220, int);       // TUNSETVNETLE, Linux 4.0
inline constexpr unsigned long kTunSetSteering = _IOR('T', 224, int);         // TUNSETSTEERINGEBPF, Linux 4.16

// These are bits of TUNSETOFFLOAD: what the kernel may hand over unfinished. Linux 2.6.27 unless said otherwise.
inline constexpr unsigned kOffloadChecksum = 0x01;
inline constexpr unsigned kOffloadTso4 = 0x02, kOffloadTso6 = 0x04, kOffloadTsoEcn = 0x08;
inline constexpr unsigned kOffloadUso4 = 0x20, kOffloadUso6 = 0x40;  // Linux 6.2

inline constexpr unsigned long kSetTxQueueLength = 0x8943;  // SIOCSIFTXQLEN

}  // namespace tunvs::uapi
