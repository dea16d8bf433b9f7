#include "binding/results.h"

#include <algorithm>

#include "models/gguf/gguf_layout.h"

namespace anneal {
namespace {

Napi::Int32Array ints_to_js(Napi::Env env, const std::vector<int32_t>& values) {
  Napi::Int32Array array = Napi::Int32Array::New(env, values.size());
  std::copy(values.begin(), values.end(), array.Data());
  return array;
}

Napi::Number count(Napi::Env env, int64_t value) { return Napi::Number::New(env, static_cast<double>(value)); }
Napi::Number bytes(Napi::Env env, uint64_t value) { return Napi::Number::New(env, static_cast<double>(value)); }

Napi::Value rope_scaling_to_js(Napi::Env env, const RopeConfig& rope) {
  if (rope.type == "default" && rope.divisors.empty()) return env.Null();
  Napi::Object o = Napi::Object::New(env);
  o.Set("type", rope.divisors.empty() ? rope.type : "divisors");
  if (!rope.divisors.empty()) return o;
  o.Set("factor", rope.factor);
  if (rope.type == "llama3") {
    o.Set("lowFrequencyFactor", rope.low_frequency_factor);
    o.Set("highFrequencyFactor", rope.high_frequency_factor);
    o.Set("originalContextLength", count(env, rope.original_context));
  }
  return o;
}

Napi::Object cause_to_js(Napi::Env env, const Cause& cause);

Napi::Value value_to_js(Napi::Env env, const Value& value) {
  const auto& v = value.get();
  if (const auto* text = std::get_if<std::string>(&v)) return Napi::String::New(env, *text);
  if (const auto* whole = std::get_if<int64_t>(&v)) return count(env, *whole);
  if (const auto* number = std::get_if<double>(&v)) return Napi::Number::New(env, *number);
  return cause_to_js(env, *std::get<std::shared_ptr<const Cause>>(v));
}

Napi::Object args_to_js(Napi::Env env, const ErrorArgs& args) {
  Napi::Object o = Napi::Object::New(env);
  for (const NamedValue& arg : args) o.Set(arg.name, value_to_js(env, arg.value));
  return o;
}

Napi::Object cause_to_js(Napi::Env env, const Cause& cause) {
  Napi::Object o = Napi::Object::New(env);
  o.Set("reason", Napi::String::New(env, cause.reason));
  o.Set("args", args_to_js(env, cause.args));
  return o;
}

}  // namespace

Napi::Float32Array floats_to_js(Napi::Env env, const std::vector<float>& values) {
  Napi::Float32Array array = Napi::Float32Array::New(env, values.size());
  std::copy(values.begin(), values.end(), array.Data());
  return array;
}

Napi::Value saved_file_to_js(Napi::Env env, const SavedFile& file) {
  Napi::Object o = Napi::Object::New(env);
  o.Set("sha256", file.sha256);
  o.Set("bytes", bytes(env, file.bytes));
  return o;
}

Napi::Value gguf_export_to_js(Napi::Env env, const GgufExportResult& result) {
  Napi::Array tensors = Napi::Array::New(env, result.tensors.size());
  for (uint32_t i = 0; i < result.tensors.size(); ++i) {
    Napi::Object t = Napi::Object::New(env);
    t.Set("name", result.tensors[i].name);
    t.Set("type", result.tensors[i].type);
    t.Set("relativeRmse", result.tensors[i].relative_rmse);
    tensors.Set(i, t);
  }
  Napi::Object error = Napi::Object::New(env);
  error.Set("relativeRmse", result.relative_rmse);
  error.Set("tensors", tensors);
  Napi::Object o = saved_file_to_js(env, result.file).As<Napi::Object>();
  o.Set("error", error);
  return o;
}

Napi::Error to_js_error(Napi::Env env, const Error& error) {
  Napi::Error js = Napi::Error::New(env, error.what());
  js.Set("code", Napi::String::New(env, error_code_name(error.code())));
  js.Set("reason", Napi::String::New(env, error.cause().reason));
  js.Set("where", Napi::String::New(env, error.where()));
  js.Set("args", args_to_js(env, error.cause().args));
  return js;
}

Napi::Value model_info_to_js(Napi::Env env, Model& model) {
  const ModelConfig& c = model.config();
  Napi::Object o = Napi::Object::New(env);
  o.Set("family", c.family);
  o.Set("parameters", count(env, model.parameters.elements()));
  o.Set("layers", count(env, c.layers));
  o.Set("hiddenSize", count(env, c.hidden_size));
  o.Set("heads", count(env, c.heads));
  o.Set("kvHeads", count(env, c.kv_heads));
  o.Set("headSize", count(env, c.head_size));
  o.Set("ffnSize", count(env, c.ffn_size));
  o.Set("vocabSize", count(env, c.vocab_size));
  o.Set("contextLength", count(env, c.context_length));
  o.Set("tiedHead", c.tied_head);
  o.Set("quantisation", model.source->quantisation());
  const std::vector<std::string> names = linear_names(model);
  Napi::Array linears = Napi::Array::New(env, names.size());
  for (uint32_t i = 0; i < names.size(); ++i) linears.Set(i, names[i]);
  o.Set("linearNames", linears);
  o.Set("fileBytes", bytes(env, model.source->file_bytes()));
  o.Set("ropeTheta", c.rope.theta);
  o.Set("ropeScaling", rope_scaling_to_js(env, c.rope));
  o.Set("normEpsilon", static_cast<double>(c.norm_epsilon));
  const std::optional<Cause> problem = gguf_problem(model.source->family(), c);
  o.Set("ggufProblem", problem ? Napi::Value(cause_to_js(env, *problem)) : env.Null());
  return o;
}

Napi::Value adapter_info_to_js(Napi::Env env, const AdapterInfo& info) {
  const AdapterConfig& c = info.config;
  Napi::Object o = Napi::Object::New(env);
  o.Set("rank", count(env, c.rank));
  o.Set("alpha", c.alpha);
  o.Set("rsLora", c.rslora);
  o.Set("dora", c.dora);
  Napi::Array targets = Napi::Array::New(env, info.targets.size());
  for (uint32_t i = 0; i < info.targets.size(); ++i) targets.Set(i, info.targets[i]);
  o.Set("targets", targets);
  o.Set("baseModelName", c.base_model_name);
  return o;
}

Napi::Value plan_to_js(Napi::Env env, const MemoryPlan& p) {
  Napi::Object parts = Napi::Object::New(env);
  parts.Set("weights", bytes(env, p.weights));
  parts.Set("blocks", bytes(env, p.blocks));
  parts.Set("adapter", bytes(env, p.adapter));
  parts.Set("gradients", bytes(env, p.gradients));
  parts.Set("optimizer", bytes(env, p.optimizer));
  parts.Set("activations", bytes(env, p.activations));
  parts.Set("reference", bytes(env, p.reference));
  parts.Set("logits", bytes(env, p.logits));
  parts.Set("packing", bytes(env, p.packing));
  parts.Set("runtime", bytes(env, p.runtime));
  Napi::Object o = Napi::Object::New(env);
  o.Set("parts", parts);
  Napi::Array layers = Napi::Array::New(env, p.layer_activations.size());
  for (uint32_t i = 0; i < p.layer_activations.size(); ++i) layers.Set(i, bytes(env, p.layer_activations[i]));
  o.Set("layerActivationBytes", layers);
  o.Set("totalBytes", bytes(env, p.total));
  o.Set("trainableParameters", count(env, p.trainable_parameters));
  o.Set("flopsPerMicroBatch", p.flops_per_micro_batch);
  return o;
}

Napi::Value metrics_to_js(Napi::Env env, const std::map<std::string, double>& metrics) {
  Napi::Object o = Napi::Object::New(env);
  for (const auto& [name, value] : metrics) o.Set(name, value);
  return o;
}

Napi::Value step_to_js(Napi::Env env, const StepResult& r, bool scaled, const std::vector<AdapterSpec>& names) {
  Napi::Object phases = Napi::Object::New(env);
  phases.Set("forward", r.forward_seconds);
  phases.Set("backward", r.backward_seconds);
  phases.Set("optimizer", r.optimizer_seconds);
  Napi::Object o = Napi::Object::New(env);
  o.Set("loss", r.loss);
  o.Set("gradNorm", r.grad_norm);
  o.Set("supervisedTokens", count(env, r.supervised_tokens));
  o.Set("tokens", count(env, r.tokens));
  o.Set("seconds", r.seconds);
  o.Set("phases", phases);
  o.Set("metrics", metrics_to_js(env, r.metrics));
  if (!names.empty()) {
    Napi::Array adapters = Napi::Array::New(env, names.size());
    for (uint32_t i = 0; i < names.size(); ++i) {
      const AdapterTotals& totals = r.adapters[i].totals;
      Napi::Object a = Napi::Object::New(env);
      a.Set("name", names[i].name);
      a.Set("loss", totals.loss);
      a.Set("gradNorm", r.adapters[i].grad_norm);
      a.Set("supervisedTokens", count(env, totals.supervised_tokens));
      a.Set("tokens", count(env, totals.tokens));
      if (totals.router_aux) a.Set("routerAux", *totals.router_aux);
      adapters.Set(i, a);
    }
    o.Set("adapters", adapters);
  }
  if (scaled) {
    o.Set("lossScale", r.loss_scale);
    o.Set("skipped", r.skipped);
  }
  return o;
}

Napi::Value evaluation_to_js(Napi::Env env, const Evaluation& e, bool token_logprobs) {
  Napi::Array sequences = Napi::Array::New(env, e.sequences.size());
  for (uint32_t i = 0; i < e.sequences.size(); ++i) {
    Napi::Object s = Napi::Object::New(env);
    s.Set("loss", e.sequences[i].loss);
    s.Set("tokens", count(env, e.sequences[i].tokens));
    s.Set("correct", count(env, e.sequences[i].correct));
    sequences.Set(i, s);
  }
  Napi::Object o = Napi::Object::New(env);
  o.Set("lossSum", e.loss_sum);
  o.Set("supervisedTokens", count(env, e.supervised_tokens));
  o.Set("perSequence", sequences);
  if (token_logprobs) o.Set("tokenLogprobs", floats_to_js(env, e.token_logprobs));
  return o;
}

Napi::Value scores_to_js(Napi::Env env, const Evaluation& e) {
  Napi::Float64Array sums = Napi::Float64Array::New(env, e.sequences.size());
  Napi::Int32Array tokens = Napi::Int32Array::New(env, e.sequences.size());
  for (size_t i = 0; i < e.sequences.size(); ++i) {
    sums[i] = -e.sequences[i].loss;
    tokens[i] = static_cast<int32_t>(e.sequences[i].tokens);
  }
  Napi::Object o = Napi::Object::New(env);
  o.Set("sums", sums);
  o.Set("tokens", tokens);
  return o;
}

Napi::Value generation_to_js(Napi::Env env, const Generation& g, const GenerateOptions& options) {
  Napi::Array sequences = Napi::Array::New(env, g.sequences.size());
  for (uint32_t i = 0; i < g.sequences.size(); ++i) {
    const GeneratedSequence& s = g.sequences[i];
    Napi::Object o = Napi::Object::New(env);
    o.Set("tokens", ints_to_js(env, s.tokens));
    o.Set("finish", s.stopped ? "stop" : "length");
    if (options.logprobs) o.Set("logprobs", floats_to_js(env, s.logprobs));
    if (options.top_logprobs > 0) {
      o.Set("topTokens", ints_to_js(env, s.top_tokens));
      o.Set("topLogprobs", floats_to_js(env, s.top_logprobs));
    }
    sequences.Set(i, o);
  }
  Napi::Float64Array steps = Napi::Float64Array::New(env, g.step_seconds.size());
  std::copy(g.step_seconds.begin(), g.step_seconds.end(), steps.Data());
  Napi::Object timing = Napi::Object::New(env);
  timing.Set("prefillSeconds", g.prefill_seconds);
  timing.Set("decodeSeconds", g.decode_seconds);
  timing.Set("promptTokens", count(env, g.prompt_tokens));
  timing.Set("newTokens", count(env, g.new_tokens));
  timing.Set("perTokenSeconds", steps);
  Napi::Object o = Napi::Object::New(env);
  o.Set("sequences", sequences);
  o.Set("timing", timing);
  return o;
}

Napi::Value tensor_to_js(Napi::Env env, const TensorCopy& tensor) {
  Napi::Array shape = Napi::Array::New(env, static_cast<size_t>(tensor.shape.rank));
  for (int i = 0; i < tensor.shape.rank; ++i) shape.Set(static_cast<uint32_t>(i), count(env, tensor.shape[i]));
  Napi::Object o = Napi::Object::New(env);
  o.Set("name", tensor.name);
  o.Set("shape", shape);
  o.Set("values", floats_to_js(env, tensor.values));
  return o;
}

Napi::Value best_tokens_to_js(Napi::Env env, const BestTokens& best) {
  Napi::Object o = Napi::Object::New(env);
  o.Set("ids", ints_to_js(env, best.ids));
  o.Set("logprobs", floats_to_js(env, best.logprobs));
  return o;
}

}  // namespace anneal
