// The questions that are put to JavaScript at once. Workers take turns, and a batch is as large as can be answered in
// about a millisecond.
//
// Thread safety: it belongs to the policies' thread.
#pragma once

#include <span>
#include <vector>

#include "engine/policy_channel.h"

namespace tunvs {

class QuestionBatch {
 public:
  static constexpr size_t kMostAtOnce = 64;
  static constexpr uint64_t kManyUs = 1000, kFewUs = 250;  // if a batch took this long, the next is smaller, or larger

  // Takes waiting questions, as many as are put at once. Returns false when there are none. Questions that are late by
  // now are dropped: their scheduler has decided. Afterwards there is room for an answer to each question.
  bool take(PolicyDesk& desk, Tick now);
  std::span<const PolicyQuestion> questions() const { return questions_; }
  std::span<PolicyAnswer> answers() { return answers_; }
  // Gives each worker its answers, without waking it.
  void handOver(PolicyDesk& desk) const;
  // Notes how long all of that took.
  void took(uint64_t us);

 private:
  std::vector<PolicyQuestion> questions_;
  std::vector<PolicyAnswer> answers_;
  std::vector<size_t> asking_;  // the worker of each
  size_t atOnce_ = 1;           // [1, kMostAtOnce]
  size_t nextWorker_ = 0;       // whose questions come first
};

}  // namespace tunvs
