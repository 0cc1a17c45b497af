// Puts the workers' questions to a JavaScript function, in batches, and hands its answers back.
//
// A batch is a set of columns in typed arrays that are made once. The function is told the policy and the number of
// rows, and writes a real server's id, or one of the two marks, into the column of answers.
//
// The columns lie in SharedArrayBuffers. JavaScript can't detach, transfer or shrink these, so what is written here
// stays there, whatever the function did with its views. What the function wrote is not trusted: it may be any number.
//
// Thread safety: everything runs on the thread of the environment.
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
  // The two marks in place of a server's id: kNoServer lets the scheduler decide; this one says that there is no
  // answer.
  static constexpr uint32_t kFailed = UINT32_MAX - 1;

  // `answer` is called with a policy and the number of rows.
  explicit PolicyBinding(Napi::Function answer) : answer_(Napi::Persistent(answer)) {}

  // Returns the columns, for whoever fills the answers in; undefined, with an exception pending, when they can't be
  // made.
  Napi::Value columns(Napi::Env env);

  // Answers all questions, of whatever policies. The function may close the director or end the environment. Returns
  // false when it ended the environment: then nothing may be called any more. REQUIRES: columns() was called and
  // succeeded
  bool decide(Napi::Env env, std::span<const PolicyQuestion> questions, std::span<PolicyAnswer> answers);

 private:
  // Answers questions of one policy, at most kRows of them.
  bool decideBatch(Napi::Env env, napi_value function, std::span<const PolicyQuestion> questions,
                   std::span<PolicyAnswer> answers, std::span<const uint32_t> rows);
  void fillRow(uint32_t row, const PolicyQuestion& question);
  // Returns null, with an exception pending, when the column can't be made.
  template <typename T>
  T* column(Napi::Env env, Napi::Object columns, const char* name, const char* type, size_t length);

  Napi::FunctionReference answer_;
  std::vector<Napi::ObjectReference> views_;  // they keep the memory alive
  uint8_t* clients_ = nullptr;                // 16 bytes each; IPv4 uses the first 4
  uint8_t* virtuals_ = nullptr;               // likewise
  uint16_t* clientPorts_ = nullptr;
  uint16_t* virtualPorts_ = nullptr;
  uint16_t* packetLengths_ = nullptr;
  uint8_t* families_ = nullptr;  // 4 or 6
  uint8_t* protocols_ = nullptr;
  uint8_t* packets_ = nullptr;  // ConnectionPolicy::kMaxPacketBytes each
  uint32_t* answers_ = nullptr;
  std::vector<uint32_t> rows_, left_, others_;
};

}  // namespace tunvs::binding
