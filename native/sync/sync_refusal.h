// Why a message of connection sync, or a part of one, is not taken.
//
// Thread safety: pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tunvs {

// A SyncLoss says how much of a message goes with what was refused.
enum class SyncLoss : uint8_t {
  message,  // all of it
  rest,     // the record and all behind it; those before it were taken
  record,   // the record alone
};

// Each line gives a refusal's name, what is lost by it, and why, as a sentence without its full stop.
// clang-format off
#define TUNVS_SYNC_REFUSALS(REFUSAL) \
  REFUSAL(headerCut, message, "the message is shorter than its header") \
  REFUSAL(sizeWrong, message, "the size in the message's header is not the datagram's") \
  REFUSAL(syncidOther, message, "the message has another syncid") \
  REFUSAL(versionUnknown, message, "the message is of no version that is known") \
  REFUSAL(recordCut, rest, "the message ends within the record's fields") \
  REFUSAL(recordTooLong, rest, "the record's size goes beyond the message's end") \
  REFUSAL(recordTooShort, rest, "the record's size leaves no room for its fields") \
  REFUSAL(recordVersion, rest, "the record is of no version that is known") \
  REFUSAL(recordType, rest, "the record is of no type that is known") \
  REFUSAL(optionCut, rest, "an option goes beyond the record's end") \
  REFUSAL(optionEmpty, rest, "an option has no data") \
  REFUSAL(optionLength, rest, "an option has a length that it cannot have") \
  REFUSAL(optionRepeated, rest, "an option comes twice") \
  REFUSAL(sequencesCut, rest, "the message ends within the record's sequence data") \
  REFUSAL(optionUnknown, record, "the record has an option that is not known, and may not be skipped") \
  REFUSAL(protocolUnknown, record, "connections of the record's protocol are not balanced") \
  REFUSAL(stateUnknown, record, "the record's state is none of its protocol's, or none of a template's") \
  REFUSAL(onePacket, record, "the record is of one-packet scheduling, which leaves no connection") \
  REFUSAL(engineUnnamed, record, "the record has data of a persistence engine, and does not name it") \
  REFUSAL(senderUnknown, message, "a datagram has come from none of the peers") \
  REFUSAL(peerCut, message, "a datagram is none of a peer's, or is too short for what it says it is") \
  REFUSAL(sealWrong, message, "a datagram is not signed with one of the keys, or is signed where there is no key") \
  REFUSAL(sessionOther, message, "a datagram is of no session that goes on now") \
  REFUSAL(replayed, message, "a datagram has come before, or too late")
// clang-format on

#define TUNVS_NAME(name, loss, sentence) name,
enum class SyncRefusal : uint8_t { TUNVS_SYNC_REFUSALS(TUNVS_NAME) kCount };
#undef TUNVS_NAME
inline constexpr size_t kSyncRefusals = static_cast<size_t>(SyncRefusal::kCount);

struct SyncRefusalInfo {
  std::string_view name;  // camelCase
  SyncLoss loss;
  std::string_view sentence;  // without its full stop
};

// In the order of the enum.
#define TUNVS_INFO(name, loss, sentence) {#name, SyncLoss::loss, sentence},
inline constexpr SyncRefusalInfo kSyncRefusalInfos[] = {TUNVS_SYNC_REFUSALS(TUNVS_INFO)};
#undef TUNVS_INFO

constexpr const SyncRefusalInfo& infoOf(SyncRefusal refusal) { return kSyncRefusalInfos[static_cast<size_t>(refusal)]; }
constexpr std::string_view toString(SyncRefusal refusal) { return infoOf(refusal).name; }

// What a peer has sent in vain.
struct PeerRefusals {
  uint64_t count = 0;
  std::optional<SyncRefusal> last;
  void add(SyncRefusal refusal) {
    count++;
    last = refusal;
  }
};

}  // namespace tunvs
