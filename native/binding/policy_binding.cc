#include "binding/policy_binding.h"

#include <algorithm>
#include <numeric>

namespace tunvs::binding {
namespace {

template <typename T>
constexpr napi_typedarray_type kTypeOf = napi_uint8_array;
template <>
constexpr napi_typedarray_type kTypeOf<uint16_t> = napi_uint16_array;
template <>
constexpr napi_typedarray_type kTypeOf<uint32_t> = napi_uint32_array;

}  // namespace

template <typename T>
T* PolicyBinding::column(Napi::Env env, Napi::Object columns, const char* name, size_t length) {
  Napi::ArrayBuffer buffer = Napi::ArrayBuffer::New(env, length * sizeof(T));
  columns.Set(name, Napi::TypedArrayOf<T>::New(env, length, buffer, 0, kTypeOf<T>));
  buffers_.push_back(Napi::Persistent(buffer));
  return static_cast<T*>(buffer.Data());
}

Napi::Object PolicyBinding::columns(Napi::Env env) {
  Napi::Object columns = Napi::Object::New(env);
  clients_ = column<uint8_t>(env, columns, "clients", kRows * 16);
  virtuals_ = column<uint8_t>(env, columns, "virtuals", kRows * 16);
  clientPorts_ = column<uint16_t>(env, columns, "clientPorts", kRows);
  virtualPorts_ = column<uint16_t>(env, columns, "virtualPorts", kRows);
  packetLengths_ = column<uint16_t>(env, columns, "packetLengths", kRows);
  families_ = column<uint8_t>(env, columns, "families", kRows);
  protocols_ = column<uint8_t>(env, columns, "protocols", kRows);
  packets_ = column<uint8_t>(env, columns, "packets", size_t{kRows} * ConnectionPolicy::kMaxPacketBytes);
  answers_ = column<uint32_t>(env, columns, "answers", kRows);
  return columns;
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

void PolicyBinding::decideBatch(Napi::Env env, Napi::Function callback, std::span<const PolicyQuestion> questions,
                                std::span<PolicyAnswer> answers, std::span<const uint32_t> rows) {
  for (uint32_t row = 0; row < rows.size(); row++) fillRow(row, questions[rows[row]]);
  Napi::HandleScope scope(env);
  callback.Call({Napi::Number::New(env, questions[rows[0]].policy), Napi::Number::New(env, rows.size())});
  // The function keeps what policies throw to itself; this would be its own mistake, or the end of the environment.
  const bool hasThrown = env.IsExceptionPending();
  if (hasThrown) env.GetAndClearPendingException();
  for (uint32_t row = 0; row < rows.size(); row++) {
    PolicyAnswer& answer = answers[rows[row]];
    answer = {questions[rows[row]].flow, questions[rows[row]].sequence};
    if (hasThrown || answers_[row] == kFailed) {
      answer.kind = PolicyAnswer::Kind::failed;
    } else if (answers_[row] != kNoServer) {
      answer.kind = PolicyAnswer::Kind::server;
      answer.server = answers_[row];
    }
  }
}

void PolicyBinding::decide(Napi::Env env, Napi::Function callback, std::span<const PolicyQuestion> questions,
                           std::span<PolicyAnswer> answers) {
  left_.resize(questions.size());
  std::iota(left_.begin(), left_.end(), 0u);
  // Mostly there is one policy, and one round.
  while (!left_.empty()) {
    rows_.clear();
    others_.clear();
    const uint32_t policy = questions[left_[0]].policy;
    for (const uint32_t i : left_)
      (questions[i].policy == policy && rows_.size() < kRows ? rows_ : others_).push_back(i);
    decideBatch(env, callback, questions, answers, rows_);
    left_.swap(others_);
  }
}

}  // namespace tunvs::binding
