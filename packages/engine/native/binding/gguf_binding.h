// readGgufMetadata, quantiseTensor and dequantiseTensor: files and tensor types for JavaScript, without a session.
#pragma once
#include <napi.h>

namespace anneal {

void define_gguf_functions(Napi::Env env, Napi::Object exports);

}  // namespace anneal
