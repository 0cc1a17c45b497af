#include "binding/tc_binding.h"

#include "io/tc/tc_filter.h"
#include "io/tc/tc_names.h"

namespace tunvs::binding {
namespace {

Napi::Value removeDead(const Napi::CallbackInfo& info) {
  for (const char* name : kTcNames) TcFilter::removeDead(name);
  return info.Env().Undefined();
}

}  // namespace

void defineTc(Napi::Env env, Napi::Object exports) {
  exports.Set("removeDeadTcFilters", Napi::Function::New<removeDead>(env, "removeDeadTcFilters"));
}

}  // namespace tunvs::binding
