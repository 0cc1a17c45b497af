// A SyncRecord is what one director tells another of an entry of its connection table: IPVS's connection sync, which
// Linux's master and backup daemons speak as well.
//
// Thread safety: plain values. What a record says of a persistence engine points to the bytes that it was read from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/inet.h"

namespace tunvs {

// Version 0 is the one of old kernels, and of newer ones with sync_version=0. It has no IPv6, timeouts, firewall marks
// and persistence engines.
enum class SyncVersion : uint8_t { v0 = 0, v1 = 1 };

// A SyncMethod is the forwarding method that a record's flags say. A backup goes by that of its own real server.
enum class SyncMethod : uint8_t { masquerade = 0, local = 1, tunnel = 2, direct = 3, bypass = 4 };

// These are a record's flags, with IPVS's numbers (linux/ip_vs.h).
inline constexpr uint32_t kSyncMethodMask = 0x0007;      // a SyncMethod
inline constexpr uint32_t kSyncNoOutput = 0x0080;        // the server's packets go past the director
inline constexpr uint32_t kSyncInactive = 0x0100;        // counts as one of the server's inactive connections
inline constexpr uint32_t kSyncOutputSequence = 0x0200;  // sequence numbers of the server's packets are shifted
inline constexpr uint32_t kSyncInputSequence = 0x0400;   // sequence numbers of the client's packets are shifted
inline constexpr uint32_t kSyncNoClientPort = 0x0800;    // the client's port is not known yet, as for FTP's data
inline constexpr uint32_t kSyncTemplate = 0x1000;        // a persistence template
inline constexpr uint32_t kSyncOnePacket = 0x2000;       // one-packet scheduling, which leaves no entry
inline constexpr uint32_t kSyncSequences = kSyncOutputSequence | kSyncInputSequence;
// A kernel backup ignores all others.
inline constexpr uint32_t kSyncTakenFlags =
    kSyncMethodMask | kSyncNoOutput | kSyncInactive | kSyncSequences | kSyncNoClientPort | kSyncTemplate;

// A SyncSequence says how the sequence numbers of one direction are shifted.
struct SyncSequence {
  uint32_t initial = 0;        // numbers behind this one are shifted by `delta`
  uint32_t delta = 0;          // modulo 2^32
  uint32_t previousDelta = 0;  // the shift of the numbers before; modulo 2^32
  friend bool operator==(const SyncSequence&, const SyncSequence&) = default;
};
struct SyncSequencePair {
  SyncSequence input;   // of the client's packets
  SyncSequence output;  // of the server's packets
  friend bool operator==(const SyncSequencePair&, const SyncSequencePair&) = default;
};

// Invariant of a record that was read: the three addresses are of one family.
struct SyncRecord {
  IpAddress client, virtualAddress, server;  // a firewall mark's template has the mark as its virtual address
  uint16_t clientPort = 0, virtualPort = 0, serverPort = 0;
  uint8_t protocol = 0;  // 0 for a firewall mark's template
  uint16_t state = 0;    // the protocol's own number, or a template's: 1 when it is assured
  uint32_t flags = 0;
  uint32_t mark = 0;            // firewall mark
  uint32_t timeoutSeconds = 0;  // 0 stands for the default of the state, and of a template for 180 s

  // The flags that announce them may be missing, and they may be missing though the flags are there.
  std::optional<SyncSequencePair> sequences;
  std::string_view engineName;  // persistence engine, [1, 16] bytes; empty when there is none
  std::string_view engineData;  // [1, 255] bytes; empty when there is none. A name without data means nothing.

  Family family() const { return client.family; }
  bool isTemplate() const { return (flags & kSyncTemplate) != 0; }
  SyncMethod method() const { return static_cast<SyncMethod>(flags & kSyncMethodMask); }
  friend bool operator==(const SyncRecord&, const SyncRecord&) = default;
};

inline constexpr size_t kMaxSyncEngineNameBytes = 16, kMaxSyncEngineDataBytes = 255;

}  // namespace tunvs
