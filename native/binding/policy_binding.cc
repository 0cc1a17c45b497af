#include "binding/policy_binding.h"

#include <algorithm>
#include <atomic>
#include <numeric>

#include "binding/call.h"
#include "binding/errors.h"

namespace tunvs::binding {

// JavaScript's own constructors make the views: Node-API makes none over shared memory. A program may have replaced the
// constructors, so memory that can be taken away is not accepted as a column.
template <typename T>
T* PolicyBinding::column(Napi::Env env, Napi::Object columns, const char* name, const char* type, size_t length) {
  const auto construct = [&](const char* what, napi_value argument) -> napi_value {
    napi_value global, constructor, made;
    if (napi_get_global(env, &global) != napi_ok ||
        napi_get_named_property(env, global, what, &constructor) != napi_ok ||
        napi_new_instance(env, constructor, 1, &argument, &made) != napi_ok)
      return nullptr;
    return made;
  };
  napi_value bytes, buffer, view;
  bool isDetachable = true;
  napi_typedarray_type kind;
  size_t elements = 0;
  void* data = nullptr;
  const bool isMade = napi_create_uint32(env, static_cast<uint32_t>(length * sizeof(T)), &bytes) == napi_ok &&
                      (buffer = construct("SharedArrayBuffer", bytes)) != nullptr &&
                      napi_is_arraybuffer(env, buffer, &isDetachable) == napi_ok && !isDetachable &&
                      (view = construct(type, buffer)) != nullptr &&
                      napi_get_typedarray_info(env, view, &kind, &elements, &data, nullptr, nullptr) == napi_ok &&
                      elements == length &&
                      kind == (sizeof(T) == 1   ? napi_uint8_array
                               : sizeof(T) == 2 ? napi_uint16_array
                                                : napi_uint32_array) &&
                      napi_set_named_property(env, columns, name, view) == napi_ok;
  if (!isMade) {
    forgetException(env);
    throwError(env, Error::make(ErrorCode::unsupported,
                                "connection policies need JavaScript's own SharedArrayBuffer and typed arrays; "
                                "load tunvs before the code that replaces them"));
    return nullptr;
  }
  views_.push_back(Napi::Persistent(Napi::Object(env, view)));
  return static_cast<T*>(data);
}

Napi::Value PolicyBinding::columns(Napi::Env env) {
  Napi::Object columns = Napi::Object::New(env);
  constexpr size_t kPacketBytes = size_t{kRows} * ConnectionPolicy::kMaxPacketBytes;
  const bool isMade = (clients_ = column<uint8_t>(env, columns, "clients", "Uint8Array", kRows * 16)) != nullptr &&
                      (virtuals_ = column<uint8_t>(env, columns, "virtuals", "Uint8Array", kRows * 16)) != nullptr &&
                      (clientPorts_ = column<uint16_t>(env, columns, "clientPorts", "Uint16Array", kRows)) != nullptr &&
                      (virtualPorts_ = column<uint16_t>(env, columns, "virtualPorts", "Uint16Array", kRows)) &&
                      (packetLengths_ = column<uint16_t>(env, columns, "packetLengths", "Uint16Array", kRows)) &&
                      (families_ = column<uint8_t>(env, columns, "families", "Uint8Array", kRows)) != nullptr &&
                      (protocols_ = column<uint8_t>(env, columns, "protocols", "Uint8Array", kRows)) != nullptr &&
                      (packets_ = column<uint8_t>(env, columns, "packets", "Uint8Array", kPacketBytes)) != nullptr &&
                      (answers_ = column<uint32_t>(env, columns, "answers", "Uint32Array", kRows)) != nullptr;
  return isMade ? columns : env.Undefined();
}

void PolicyBinding::fillRow(uint32_t row, const PolicyQuestion& question) {
  const IpAddress client = question.key.client(), virtualAddress = question.key.virtualAddress();
  std::copy_n(client.bytes.data(), 16, clients_ + row * 16);
  std::copy_n(virtualAddress.bytes.data(), 16, virtuals_ + row * 16);
  clientPorts_[row] = question.key.clientPort().host();
  virtualPorts_[row] = question.key.virtualPort().host();
  families_[row] = question.key.isV4() ? 4 : 6;
  protocols_[row] = question.key.protocol();
  packetLengths_[row] = question.packetBytes;
  std::copy_n(question.packet, question.packetBytes, packets_ + size_t{row} * ConnectionPolicy::kMaxPacketBytes);
  answers_[row] = kNoServer;
}

bool PolicyBinding::decideBatch(Napi::Env env, napi_value function, std::span<const PolicyQuestion> questions,
                                std::span<PolicyAnswer> answers, std::span<const uint32_t> rows) {
  for (uint32_t row = 0; row < rows.size(); row++) fillRow(row, questions[rows[row]]);
  Napi::HandleScope scope(env);
  const napi_value arguments[] = {Napi::Number::New(env, questions[rows[0]].policy),
                                  Napi::Number::New(env, static_cast<double>(rows.size()))};
  // The function catches what policies throw. An exception here is its own mistake, or the environment is ending.
  const CallEnd end = callFunction(env, function, arguments);
  if (end != CallEnd::returned) forgetException(env);
  for (uint32_t row = 0; row < rows.size(); row++) {
    PolicyAnswer& answer = answers[rows[row]];
    // The answer is read once: another thread that has a view of the column may write meanwhile.
    const uint32_t said = std::atomic_ref(answers_[row]).load(std::memory_order_relaxed);
    answer = {questions[rows[row]].flow, questions[rows[row]].sequence};
    if (end != CallEnd::returned || said == kFailed) {
      answer.kind = PolicyAnswer::Kind::failed;
    } else if (said != kNoServer) {
      answer.kind = PolicyAnswer::Kind::server;
      answer.server = said;
    }
  }
  return end != CallEnd::environmentEnds;
}

bool PolicyBinding::decide(Napi::Env env, std::span<const PolicyQuestion> questions, std::span<PolicyAnswer> answers) {
  const napi_value function = answer_.Value();
  for (size_t i = 0; i < questions.size(); i++)
    answers[i] = {questions[i].flow, questions[i].sequence, kNoServer, PolicyAnswer::Kind::failed};
  left_.resize(questions.size());
  std::iota(left_.begin(), left_.end(), 0u);
  // Usually there is one policy, and so one round.
  while (!left_.empty()) {
    rows_.clear();
    others_.clear();
    const uint32_t policy = questions[left_[0]].policy;
    for (const uint32_t i : left_)
      (questions[i].policy == policy && rows_.size() < kRows ? rows_ : others_).push_back(i);
    if (!decideBatch(env, function, questions, answers, rows_)) return false;
    left_.swap(others_);
  }
  return true;
}

}  // namespace tunvs::binding
