// What a worker and the thread of the policies tell each other: questions go one way, answers the other.
//
// Neither waits for the other. A question that finds no room is not put; an answer that finds none is late.
//
// Thread safety: the worker pushes questions and pops answers; the policies' thread does the reverse.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "core/spsc_ring.h"
#include "director/director.h"

namespace tunvs {

class PolicyDesk;

class PolicyChannel {
 public:
  static constexpr size_t kQuestions = Parking::kMaxFlows;
  static constexpr size_t kAnswers = 2 * kQuestions;

  // ---- the worker ----

  // Puts the director's questions. Connections whose questions find no room are resumed at once, into `out`, and `send`
  // sends that.
  template <typename Send>
  void ask(Director& director, size_t worker, Tick now, OutputVector& out, Send&& send);
  // Copies answers, at most as many as `into` holds. Returns how many.
  size_t takeAnswers(std::span<PolicyAnswer> into);
  // Says that the worker is about to sleep. Returns false when it should not, because answers wait.
  bool mayFallAsleep() {
    isAsleep_.exchange(true, std::memory_order_acq_rel);
    return answers_.isEmpty();
  }
  void wakeUp() { isAsleep_.store(false, std::memory_order_relaxed); }

  // ---- the policies' thread ----

  const PolicyQuestion* nextQuestion() { return questions_.front(); }
  void dropQuestion() { questions_.pop(); }
  void answer(const PolicyAnswer& answer) {
    PolicyAnswer* slot = answers_.slot();
    if (slot == nullptr) return;
    *slot = answer;
    answers_.push();
  }
  // Call this after answering: tells whether the worker has to be woken up.
  bool mustWake() { return isAsleep_.exchange(false, std::memory_order_acq_rel); }

 private:
  friend class PolicyDesk;
  explicit PolicyChannel(PolicyDesk& desk) : desk_(desk) {}

  PolicyDesk& desk_;
  SpscRing<PolicyQuestion> questions_{kQuestions};
  SpscRing<PolicyAnswer> answers_{kAnswers};
  alignas(64) std::atomic<bool> isAsleep_{false};
};

// The channels of all workers, and how the policies' thread hears of questions.
class PolicyDesk {
 public:
  explicit PolicyDesk(size_t workers) {
    for (size_t i = 0; i < workers; i++) channels_.push_back(std::unique_ptr<PolicyChannel>(new PolicyChannel(*this)));
  }

  // A worker's thread calls `onQuestions` when there are questions and nobody was told since the last beginRound(). Set
  // it before the workers start.
  void notify(std::function<void()> onQuestions) { onQuestions_ = std::move(onQuestions); }
  // Call this before looking at the questions: those that come from now on are announced again.
  void beginRound() { isTold_.exchange(false, std::memory_order_acq_rel); }

  PolicyChannel& channel(size_t worker) { return *channels_[worker]; }
  size_t workers() const { return channels_.size(); }

 private:
  friend class PolicyChannel;
  void tell() {
    if (!isTold_.exchange(true, std::memory_order_acq_rel) && onQuestions_) onQuestions_();
  }

  std::vector<std::unique_ptr<PolicyChannel>> channels_;
  std::function<void()> onQuestions_;
  alignas(64) std::atomic<bool> isTold_{false};
};

template <typename Send>
void PolicyChannel::ask(Director& director, size_t worker, Tick now, OutputVector& out, Send&& send) {
  bool hasAsked = false;
  for (;;) {
    PolicyQuestion* slot = questions_.slot();
    if (slot == nullptr) break;
    if (!director.takeQuestion(worker, *slot)) break;
    questions_.push();
    hasAsked = true;
  }
  if (hasAsked) desk_.tell();
  PolicyQuestion unasked;
  while (director.takeQuestion(worker, unasked)) {
    const PolicyAnswer answer{unasked.flow, unasked.sequence, kNoServer, PolicyAnswer::Kind::overflow};
    director.resume(worker, {&answer, 1}, now, out);
    send(out);
  }
}

}  // namespace tunvs
