// Puts the workers' questions to a JavaScript function, in batches, and hands its answers back.
//
// A batch is a set of columns in typed arrays that are made once: the function is told the policy and how many rows
// there are, and writes a real server's id, or one of the two marks, into the column of answers.
//
// The columns lie in SharedArrayBuffers. JavaScript can't detach, transfer or shrink one, so that what is written here
// is there, whatever the function did with its views. What it wrote is read as a stranger's: any number may stand
// there.
//
// Thread safety: all of it on the thread of the environment.
// Invariant: the columns live as long as this object, whoever else has views of them.
#pragma once

#include <napi.h>

#include <span>
#include <vector>

#include "engine/policy_channel.h"

namespace tunvs::binding {

class PolicyBinding {
 public:
  static constexpr uint32_t kRows = 512;
  // In the place of a server's id: kNoServer, let the scheduler decide; this, there is no answer.
  static constexpr uint32_t kFailed = UINT32_MAX - 1;

  // `answer` is called with a policy and how many rows there are.
  explicit PolicyBinding(Napi::Function answer) : answer_(Napi::Persistent(answer)) {}

  // The columns, for whoever fills the answers in; undefined, with an exception pending, when they can't be made.
  Napi::Value columns(Napi::Env env);

  // Answers all questions, of whatever policies. What the function does may close the director, or end the environment:
  // false when it did the latter, and nothing may be called any more. REQUIRES: columns() was called, and succeeded
  bool decide(Napi::Env env, std::span<const PolicyQuestion> questions, std::span<PolicyAnswer> answers);

 private:
  // One policy's, at most kRows of them.
  bool decideBatch(Napi::Env env, napi_value function, std::span<const PolicyQuestion> questions,
                   std::span<PolicyAnswer> answers, std::span<const uint32_t> rows);
  void fillRow(uint32_t row, const PolicyQuestion& question);
  // Null, with an exception pending, when it can't be made.
  template <typename T>
  T* column(Napi::Env env, Napi::Object columns, const char* name, const char* type, size_t length);

  Napi::FunctionReference answer_;
  std::vector<Napi::ObjectReference> views_;  // which keep the memory
  uint8_t* clients_ = nullptr;                // 16 bytes each, of which IPv4 takes the first 4
  uint8_t* virtuals_ = nullptr;               // likewise
  uint16_t* clientPorts_ = nullptr;
  uint16_t* virtualPorts_ = nullptr;
  uint16_t* packetLengths_ = nullptr;
  uint8_t* families_ = nullptr;  // 4, 6
  uint8_t* protocols_ = nullptr;
  uint8_t* packets_ = nullptr;  // ConnectionPolicy::kMaxPacketBytes each
  uint32_t* answers_ = nullptr;
  std::vector<uint32_t> rows_, left_, others_;
};

}  // namespace tunvs::binding
