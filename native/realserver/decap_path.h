// A DecapPath has a program in the kernel take tunnel packets apart (bpf/decap.c), for tunnels that are vouched for:
// the host has delivered a packet of them to a socket of the real server, and so its addresses, routes and firewall let
// them in. Each tunnel is vouched for anew after a while.
//
// Thread safety: one thread calls vouch() and sweep(); counts() may come from any thread.
// Invariant: no more than kMostTunnels are vouched for at a time; what comes by others goes by the sockets.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "io/tc/bpf_array.h"
#include "io/tc/life_line.h"
#include "io/tc/tc_hooks.h"
#include "realserver/bpf/layout.h"
#include "realserver/decap.h"

namespace tunvs {

class DecapPath {
 public:
  static constexpr size_t kMostTunnels = 1024;
  static constexpr uint64_t kVouchedMs = 30'000;

  // Inner packets for the virtual addresses of the rules are to come out of the device with this index.
  static Result<std::unique_ptr<DecapPath>> create(int device, const DecapRules& rules, bool takesGue);

  // A packet of this tunnel was delivered, and accepted. The program is attached to its device if it is not yet.
  void vouch(const DecapTunnel& tunnel, uint64_t nowMs);
  // Forgets tunnels that were vouched for too long ago, and all while the inner packets' device is down; attaches the
  // program again where it went. Call this once a second or more often: while nobody does, programs that may outlive
  // this process take nothing.
  void sweep(uint64_t nowMs);
  // Takes the program away: inner packets have nowhere to go. Nothing is vouched for any more.
  void end();

  struct Counts {
    uint64_t packets = 0, bytes = 0, superPackets = 0;
  };
  // Returns what the program has delivered, summed over CPUs.
  Counts counts() const;
  std::vector<TcHook> hooks() const { return hooks_.list(); }
  // Loads the program for a place, for tests that run it over single packets.
  Result<int> program(TcPlace place) { return hooks_.program(place); }

 private:
  struct Less {
    bool operator()(const DecapTunnel& a, const DecapTunnel& b) const;
  };
  DecapPath(UniqueFd tunnels, UniqueFd addresses, BpfArray<DecapTally> tallies, LifeLine life, TcWay way, int device,
            bool takesGue);
  // Returns true when the program runs at the device.
  bool attach(uint32_t interfaceIndex, uint64_t nowMs);
  bool isDeviceUp() const;
  void forget(const std::function<bool(uint64_t sinceMs)>& isOld);

  UniqueFd tunnelMap_, addressMap_;
  BpfArray<DecapTally> tallies_;
  LifeLine life_;
  const int device_;
  const bool takesGue_;
  const UniqueFd probe_;  // a socket that asks for the device's state
  TcHooks hooks_;
  std::map<DecapTunnel, uint64_t, Less> tunnels_;  // since when, ms
  // Where the program is, or could not be since when (ms), by the device's index.
  std::map<uint32_t, std::optional<uint64_t>> devices_;
  uint64_t sweptMs_ = 0;
  bool hasEnded_ = false;
};

}  // namespace tunvs
