// Engine results as JavaScript values. Called on the JavaScript thread only.
#pragma once
#include <napi.h>

#include <vector>

#include "core/error.h"
#include "infer/generate.h"
#include "io/gguf_export.h"
#include "train/adapter_start.h"
#include "train/plan.h"
#include "train/session.h"

namespace anneal {

// A parameter's values copied on the engine thread, on their way to JavaScript.
struct TensorCopy {
  std::string name;
  Shape shape;
  std::vector<float> values;
};

// An Error with `code` and `where`.
Napi::Error to_js_error(Napi::Env env, const Error& error);
Napi::Value model_info_to_js(Napi::Env env, Model& model);
Napi::Value adapter_info_to_js(Napi::Env env, const AdapterInfo& info);
Napi::Value plan_to_js(Napi::Env env, const MemoryPlan& plan);
Napi::Value metrics_to_js(Napi::Env env, const std::map<std::string, double>& metrics);
// `scaled`: with the loss scale and whether the step was skipped. `adapters`: those side by side, each with its part.
Napi::Value step_to_js(Napi::Env env, const StepResult& result, bool scaled, const std::vector<AdapterSpec>& adapters);
Napi::Value evaluation_to_js(Napi::Env env, const Evaluation& evaluation, bool token_logprobs);
// Sums of log-probabilities of each sequence.
Napi::Value scores_to_js(Napi::Env env, const Evaluation& evaluation);
Napi::Value generation_to_js(Napi::Env env, const Generation& generation, const GenerateOptions& options);
Napi::Value tensor_to_js(Napi::Env env, const TensorCopy& tensor);
Napi::Value saved_file_to_js(Napi::Env env, const SavedFile& file);
Napi::Value gguf_export_to_js(Napi::Env env, const GgufExportResult& result);
Napi::Float32Array floats_to_js(Napi::Env env, const std::vector<float>& values);

Napi::Value best_tokens_to_js(Napi::Env env, const BestTokens& best);

}  // namespace anneal
