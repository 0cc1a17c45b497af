// What became of a peer's record. Each outcome is counted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tunvs {

// Each line gives an outcome's name, and what it says of the record, as a sentence without its full stop.
// clang-format off
#define TUNVS_SYNC_OUTCOMES(OUTCOME) \
  OUTCOME(made, "it made an entry") \
  OUTCOME(updated, "it brought an entry up to date") \
  OUTCOME(waiting, "its virtual service or its real server is not here yet, and it waits for them") \
  OUTCOME(keptLocal, "it would change a connection that has packets here") \
  OUTCOME(outOfDate, "it is older than what is known of the connection, or ends one that has gone to another real server since") \
  OUTCOME(noRoom, "there is no room for what it says") \
  OUTCOME(badServer, "its real server's address can't be one") \
  OUTCOME(fullNat, "its real server gets packets by full NAT here, and it does not say from which address and port")
// clang-format on

#define TUNVS_NAME(name, sentence) name,
enum class SyncOutcome : uint8_t { TUNVS_SYNC_OUTCOMES(TUNVS_NAME) kCount };
#undef TUNVS_NAME
inline constexpr size_t kSyncOutcomes = static_cast<size_t>(SyncOutcome::kCount);

struct SyncOutcomeInfo {
  std::string_view name;  // camelCase
  std::string_view sentence;
};
#define TUNVS_INFO(name, sentence) {#name, sentence},
inline constexpr SyncOutcomeInfo kSyncOutcomeInfos[] = {TUNVS_SYNC_OUTCOMES(TUNVS_INFO)};
#undef TUNVS_INFO

constexpr std::string_view toString(SyncOutcome outcome) {
  return kSyncOutcomeInfos[static_cast<size_t>(outcome)].name;
}

}  // namespace tunvs
