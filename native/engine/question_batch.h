// The questions that are put to JavaScript at once: of all workers by turns, and so many that their answers take about
// a millisecond.
//
// Thread safety: the policies' thread.
#pragma once

#include <span>
#include <vector>

#include "engine/policy_channel.h"

namespace tunvs {

class QuestionBatch {
 public:
  static constexpr size_t kMostAtOnce = 64;
  static constexpr uint64_t kManyUs = 1000, kFewUs = 250;  // took so many questions: then there are fewer, or more

  // Takes those that wait, as many as are put at once; false when nobody asks. Those that are late by now are dropped:
  // their scheduler has decided. There is room for an answer to each then.
  bool take(PolicyDesk& desk, Tick now);
  std::span<const PolicyQuestion> questions() const { return questions_; }
  std::span<PolicyAnswer> answers() { return answers_; }
  // Gives each worker its answers; they are not woken.
  void handOver(PolicyDesk& desk) const;
  // What all of that took.
  void took(uint64_t us);

 private:
  std::vector<PolicyQuestion> questions_;
  std::vector<PolicyAnswer> answers_;
  std::vector<size_t> asking_;  // the worker of each
  size_t atOnce_ = 1;           // [1, kMostAtOnce]
  size_t nextWorker_ = 0;       // whose questions come first
};

}  // namespace tunvs
