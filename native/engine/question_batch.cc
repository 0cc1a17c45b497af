#include "engine/question_batch.h"

#include <algorithm>

namespace tunvs {

bool QuestionBatch::take(PolicyDesk& desk, Tick now) {
  questions_.clear();
  asking_.clear();
  for (size_t empty = 0; empty < desk.workers() && questions_.size() < atOnce_;) {
    const size_t worker = nextWorker_++ % desk.workers();
    PolicyChannel& channel = desk.channel(worker);
    const PolicyQuestion* question = channel.nextQuestion();
    for (; question != nullptr && reached(now, question->deadline); question = channel.nextQuestion())
      channel.dropQuestion();
    empty = question == nullptr ? empty + 1 : 0;
    if (question == nullptr) continue;
    questions_.push_back(*question);
    asking_.push_back(worker);
    channel.dropQuestion();
  }
  answers_.resize(questions_.size());
  return !questions_.empty();
}

void QuestionBatch::handOver(PolicyDesk& desk) const {
  for (size_t i = 0; i < answers_.size(); i++) desk.channel(asking_[i]).answer(answers_[i]);
}

void QuestionBatch::took(uint64_t us) {
  if (us > kManyUs) atOnce_ = std::max<size_t>(1, questions_.size() * kManyUs / us);
  if (us < kFewUs) atOnce_ = std::min(kMostAtOnce, atOnce_ * 2);
}

}  // namespace tunvs
