// Placeholder: an addon that exports nothing, so that the build has something to link.
#include <napi.h>

static Napi::Object init(Napi::Env, Napi::Object exports) { return exports; }

NODE_API_MODULE(tunvs, init)
