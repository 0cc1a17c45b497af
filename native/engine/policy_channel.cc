#include "engine/policy_channel.h"

namespace tunvs {

size_t PolicyChannel::takeAnswers(std::span<PolicyAnswer> into) {
  size_t count = 0;
  for (const PolicyAnswer* answer; count < into.size() && (answer = answers_.front()) != nullptr; answers_.pop())
    into[count++] = *answer;
  return count;
}

}  // namespace tunvs
