// Puts the workers' questions to a JavaScript function, in batches, and hands its answers back.
//
// A batch is a set of columns in typed arrays that are made once: the function is told the policy and how many rows
// there are, and writes a real server's id, or one of the two marks, into the column of answers.
//
// Thread safety: all of it on the thread of the environment.
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

  // The columns, for whoever fills the answers in.
  Napi::Object columns(Napi::Env env);

  // Answers all questions, of whatever policies. REQUIRES: columns() was called
  void decide(Napi::Env env, Napi::Function callback, std::span<const PolicyQuestion> questions,
              std::span<PolicyAnswer> answers);

 private:
  // One policy's, at most kRows of them.
  void decideBatch(Napi::Env env, Napi::Function callback, std::span<const PolicyQuestion> questions,
                   std::span<PolicyAnswer> answers, std::span<const uint32_t> rows);
  void fillRow(uint32_t row, const PolicyQuestion& question);
  template <typename T>
  T* column(Napi::Env env, Napi::Object columns, const char* name, size_t length);

  std::vector<Napi::Reference<Napi::ArrayBuffer>> buffers_;
  uint8_t* clients_ = nullptr;   // 16 bytes each, of which IPv4 takes the first 4
  uint8_t* virtuals_ = nullptr;  // likewise
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
