#include "binding/session_object.h"

#include <atomic>

#include "binding/arguments.h"
#include "binding/process_memory.h"
#include "core/bf16.h"
#include "infer/generate.h"
#include "train/export.h"

namespace anneal {
namespace {

ResultMaker undefined_result() {
  return [](Napi::Env env) { return env.Undefined(); };
}

TensorCopy copy_tensor(const std::string& name, const Tensor& t) {
  TensorCopy copy{name, t.shape, std::vector<float>(static_cast<size_t>(t.shape.elements()))};
  for (size_t i = 0; i < copy.values.size(); ++i)
    copy.values[i] = t.dtype == DType::kBF16 ? to_f32(t.as<bf16>()[i]) : t.f32()[i];
  return copy;
}

// A JavaScript function called per token. What it throws stops the generation and becomes its rejection.
struct TokenListener {
  Napi::FunctionReference function;
  Napi::Reference<Napi::Value> thrown;
  std::atomic<bool> failed{false};

  void call(Napi::Env env, int32_t sequence, int32_t token) {
    if (failed) return;
    try {
      function.Call({Napi::Number::New(env, sequence), Napi::Number::New(env, token)});
    } catch (const Napi::Error& e) {
      failed = true;
      Napi::Object holder = Napi::Object::New(env);
      holder.Set("error", e.Value());
      thrown = Napi::Persistent<Napi::Value>(holder);
    }
  }
};

}  // namespace

void SessionObject::define(Napi::Env env) {
  const Napi::Function constructor = DefineClass(
      env, "NativeSession",
      {
          InstanceMethod<&SessionObject::info>("info"),
          InstanceMethod<&SessionObject::plan>("plan"),
          InstanceMethod<&SessionObject::step>("step"),
          InstanceMethod<&SessionObject::evaluate>("evaluate"),
          InstanceMethod<&SessionObject::logits>("logits"),
          InstanceMethod<&SessionObject::best_tokens>("bestTokens"),
          InstanceMethod<&SessionObject::gradients>("gradients"),
          InstanceMethod<&SessionObject::measure>("measure"),
          InstanceMethod<&SessionObject::scores>("scores"),
          InstanceMethod<&SessionObject::weights>("weights"),
          InstanceMethod<&SessionObject::trainable_names>("trainableNames"),
          InstanceMethod<&SessionObject::generate_text>("generate"),
          InstanceMethod<&SessionObject::save_state>("saveState"),
          InstanceMethod<&SessionObject::load_state>("loadState"),
          InstanceMethod<&SessionObject::write_adapter_folder>("exportAdapter"),
          InstanceMethod<&SessionObject::write_merged_folder>("exportMerged"),
          InstanceMethod<&SessionObject::write_gguf>("exportGguf"),
          InstanceMethod<&SessionObject::memory>("memory"),
          InstanceMethod<&SessionObject::release_idle_memory>("releaseIdleMemory"),
          InstanceMethod<&SessionObject::close>("close"),
          InstanceMethod<&SessionObject::request_stop>("requestStop"),
          InstanceMethod<&SessionObject::clear_stop>("clearStop"),
      });
  auto* reference = new Napi::FunctionReference(Napi::Persistent(constructor));
  env.SetInstanceData<Napi::FunctionReference>(reference);
}

SessionObject::SessionObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<SessionObject>(info) {
  thread_ = std::make_unique<EngineThread>(info.Env(), [this] {
    if (session_) session_->request_stop();
  });
}

// The thread goes first: it may be using the session.
SessionObject::~SessionObject() {
  if (session_) session_->request_stop();
  thread_.reset();
}

Napi::Value SessionObject::open(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return with_js_errors(env, [&]() -> Napi::Value {
    const TrainingSpec spec = read_spec(info[0]);
    const Napi::Object object = env.GetInstanceData<Napi::FunctionReference>()->New({});
    SessionObject* self = Unwrap(object);
    self->Ref();
    return self->thread_->run(
        env,
        [self, spec]() -> ResultMaker {
          self->session_ = std::make_unique<Session>(spec);
          return [self](Napi::Env) -> Napi::Value {
            self->open_ = true;
            const Napi::Value value = self->Value();
            self->Unref();
            return value;
          };
        },
        [self](Napi::Env, Napi::Value error) {
          self->thread_->shut_down();
          self->Unref();
          return error;
        });
  });
}

Session& SessionObject::session() const {
  if (!open_) throw Error(ErrorCode::kInvalidArgument, "session", "is closed");
  return *session_;
}

Napi::Value SessionObject::queue(Napi::Env env, std::function<ResultMaker(Session&)> job,
                                 std::function<Napi::Value(Napi::Env, Napi::Value)> on_reject) {
  Session* target = &session();
  Ref();
  return thread_->run(
      env,
      [this, target, job = std::move(job)]() -> ResultMaker {
        return [this, make = job(*target)](Napi::Env js) {
          Unref();
          return make(js);
        };
      },
      [this, on_reject = std::move(on_reject)](Napi::Env js, Napi::Value error) {
        Unref();
        return on_reject ? on_reject(js, error) : error;
      });
}

Napi::Value SessionObject::info(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] { return model_info_to_js(info.Env(), session().model()); });
}

Napi::Value SessionObject::plan(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] { return plan_to_js(info.Env(), session().plan()); });
}

Napi::Value SessionObject::step(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] {
    const Fields request(info[0], "request");
    auto batches = std::make_shared<std::vector<MicroBatch>>(read_micro_batches(request.get("microBatches")));
    const StepOptions options = read_step_options(request);
    return queue(info.Env(), [batches, options](Session& s) -> ResultMaker {
      const StepResult result = s.step(*batches, options);
      const bool scaled = s.spec().numbers == Precision::kF16;
      const std::vector<AdapterSpec>& adapters = s.spec().adapters;
      return [result, scaled, adapters](Napi::Env env) { return step_to_js(env, result, scaled, adapters); };
    });
  });
}

Napi::Value SessionObject::evaluate(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] {
    auto batches = std::make_shared<std::vector<MicroBatch>>(read_micro_batches(info[0]));
    const Fields options(info[1], "options");
    const bool token_logprobs = options.boolean_or("tokenLogprobs", false);
    const bool adapters = !options.boolean_or("baseOnly", false);
    return queue(info.Env(), [=](Session& s) -> ResultMaker {
      auto result = std::make_shared<Evaluation>(s.evaluate(*batches, adapters, token_logprobs));
      return [=](Napi::Env env) { return evaluation_to_js(env, *result, token_logprobs); };
    });
  });
}

Napi::Value SessionObject::logits(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] {
    auto batch = std::make_shared<MicroBatch>(read_micro_batch(info[0], "microBatch"));
    std::vector<int32_t> positions;
    if (info[1].IsUndefined()) {
      for (size_t i = 0; i < batch->tokens.size(); ++i) positions.push_back(static_cast<int32_t>(i));
    } else {
      positions = read_int32_array(info[1], "positions");
    }
    return queue(info.Env(), [batch, positions](Session& s) -> ResultMaker {
      auto values = std::make_shared<std::vector<float>>(s.logits(*batch, positions));
      const auto rows = static_cast<double>(positions.size());
      const auto vocab = static_cast<double>(s.config().vocab_size);
      return [=](Napi::Env env) -> Napi::Value {
        Napi::Object o = Napi::Object::New(env);
        o.Set("values", floats_to_js(env, *values));
        o.Set("rows", rows);
        o.Set("vocabSize", vocab);
        return o;
      };
    });
  });
}

Napi::Value SessionObject::best_tokens(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] {
    auto batch = std::make_shared<MicroBatch>(read_micro_batch(info[0], "microBatch"));
    if (!info[1].IsNumber()) throw Error(ErrorCode::kInvalidArgument, "k", "expected a whole number");
    const int64_t k = info[1].As<Napi::Number>().Int64Value();
    return queue(info.Env(), [batch, k](Session& s) -> ResultMaker {
      auto best = std::make_shared<BestTokens>(s.best_tokens(*batch, k));
      return [best](Napi::Env env) { return best_tokens_to_js(env, *best); };
    });
  });
}

Napi::Value SessionObject::gradients(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] {
    auto batches = std::make_shared<std::vector<MicroBatch>>(read_micro_batches(info[0]));
    const bool loss_only = info[1].IsObject() && Fields(info[1], "options").boolean_or("lossOnly", false);
    return queue(info.Env(), [batches, loss_only](Session& s) -> ResultMaker {
      const StepResult result = s.gradients(*batches);
      auto tensors = std::make_shared<std::vector<TensorCopy>>();
      for (const Parameter& p : s.model().parameters.all())
        if (p.trainable && !loss_only) tensors->push_back(copy_tensor(p.name, p.grad));
      return [result, tensors](Napi::Env env) -> Napi::Value {
        Napi::Array array = Napi::Array::New(env, tensors->size());
        for (uint32_t i = 0; i < tensors->size(); ++i) array.Set(i, tensor_to_js(env, (*tensors)[i]));
        Napi::Object o = Napi::Object::New(env);
        o.Set("loss", result.loss);
        o.Set("metrics", metrics_to_js(env, result.metrics));
        o.Set("tensors", array);
        return o;
      };
    });
  });
}

Napi::Value SessionObject::measure(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] {
    auto batches = std::make_shared<std::vector<MicroBatch>>(read_micro_batches(info[0]));
    return queue(info.Env(), [batches](Session& s) -> ResultMaker {
      const StepResult result = s.measure(*batches);
      return [result](Napi::Env env) -> Napi::Value {
        Napi::Object o = Napi::Object::New(env);
        o.Set("loss", result.loss);
        o.Set("metrics", metrics_to_js(env, result.metrics));
        return o;
      };
    });
  });
}

Napi::Value SessionObject::scores(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] {
    auto batches = std::make_shared<std::vector<MicroBatch>>(1, read_micro_batch(info[0], "microBatch"));
    const bool adapters = !Fields(info[1], "options").boolean_or("baseOnly", false);
    return queue(info.Env(), [batches, adapters](Session& s) -> ResultMaker {
      auto result = std::make_shared<Evaluation>(s.evaluate(*batches, adapters, false));
      return [result](Napi::Env env) { return scores_to_js(env, *result); };
    });
  });
}

Napi::Value SessionObject::weights(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] {
    if (!info[0].IsString()) throw Error(ErrorCode::kInvalidArgument, "name", "expected a string");
    const std::string name = info[0].As<Napi::String>().Utf8Value();
    return queue(info.Env(), [name](Session& s) -> ResultMaker {
      const Parameter* p = s.model().parameters.find(name);
      if (!p) throw Error(ErrorCode::kInvalidArgument, "name", "\"" + name + "\" is no tensor of this model");
      auto copy = std::make_shared<TensorCopy>(
          p->master ? copy_tensor(name, p->master) : TensorCopy{name, p->shape, p->dense_values()});
      return [copy](Napi::Env env) { return tensor_to_js(env, *copy); };
    });
  });
}

Napi::Value SessionObject::trainable_names(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&]() -> Napi::Value {
    Napi::Array names = Napi::Array::New(info.Env());
    uint32_t i = 0;
    for (const Parameter& p : session().model().parameters.all())
      if (p.trainable) names.Set(i++, p.name);
    return names;
  });
}

Napi::Value SessionObject::generate_text(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] {
    const Fields request(info[0], "request");
    auto prompts = std::make_shared<std::vector<std::vector<int32_t>>>(read_prompts(request));
    auto options = std::make_shared<GenerateOptions>(read_generate_options(request));
    auto listener = std::make_shared<TokenListener>();
    if (request.has("onToken")) {
      const Napi::Value function = request.get("onToken");
      if (!function.IsFunction()) throw Error(ErrorCode::kInvalidArgument, "request.onToken", "expected a function");
      listener->function = Napi::Persistent(function.As<Napi::Function>());
      options->on_token = [this, listener](int32_t sequence, int32_t token) {
        if (listener->failed) throw Error(ErrorCode::kStopped, "onToken", "threw");
        thread_->post([listener, sequence, token](Napi::Env env) { listener->call(env, sequence, token); });
      };
    }
    // References to JavaScript values may only be dropped on the JavaScript thread, so the result holds the last one.
    return queue(
        info.Env(),
        [prompts, options, listener](Session& s) -> ResultMaker {
          auto result = std::make_shared<Generation>(generate(s, *prompts, *options));
          return [result, options, listener](Napi::Env env) -> Napi::Value {
            if (listener->failed) throw Napi::Error(env, listener->thrown.Value().As<Napi::Object>().Get("error"));
            return generation_to_js(env, *result, *options);
          };
        },
        [listener](Napi::Env, Napi::Value error) -> Napi::Value {
          if (!listener->failed) return error;
          return listener->thrown.Value().As<Napi::Object>().Get("error");
        });
  });
}

Napi::Value SessionObject::save_state(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] {
    const std::string path = read_path(info[0], "path");
    return queue(info.Env(), [path](Session& s) -> ResultMaker {
      const SavedFile file = s.save_state(path);
      return [file](Napi::Env env) { return saved_file_to_js(env, file); };
    });
  });
}

Napi::Value SessionObject::load_state(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] {
    const std::string path = read_path(info[0], "path");
    return queue(info.Env(), [path](Session& s) -> ResultMaker {
      const int64_t step = s.load_state(path);
      return [step](Napi::Env env) -> Napi::Value {
        Napi::Object o = Napi::Object::New(env);
        o.Set("step", static_cast<double>(step));
        return o;
      };
    });
  });
}

Napi::Value SessionObject::write_adapter_folder(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] {
    const std::string dir = read_path(info[0], "dir");
    const Fields options(info[1], "options");
    const std::string name = options.has("baseModelName") ? options.string("baseModelName") : "";
    const std::string adapter = options.has("adapter") ? options.string("adapter") : "";
    return queue(info.Env(), [dir, name, adapter](Session& s) {
      export_adapter(s, dir, name, adapter);
      return undefined_result();
    });
  });
}

Napi::Value SessionObject::write_merged_folder(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] {
    const std::string dir = read_path(info[0], "dir");
    const Fields options(info[1], "options");
    const std::string dtype = options.has("dtype") ? options.string("dtype") : "bf16";
    if (dtype != "f32" && dtype != "bf16" && dtype != "f16")
      throw Error(ErrorCode::kInvalidArgument, "options.dtype", "is \"" + dtype + "\", expected \"f32\", \"bf16\" or \"f16\"");
    const SafetensorsType type = dtype == "f32"    ? SafetensorsType::kF32
                                 : dtype == "bf16" ? SafetensorsType::kBF16
                                                   : SafetensorsType::kF16;
    const std::string adapter = options.has("adapter") ? options.string("adapter") : "";
    return queue(info.Env(), [dir, type, adapter](Session& s) {
      export_merged(s, dir, type, adapter);
      return undefined_result();
    });
  });
}

Napi::Value SessionObject::write_gguf(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] {
    const std::string path = read_path(info[0], "path");
    const Fields options(info[1], "options");
    const GgufFileType type = parse_gguf_file_type(options.string("type"));
    auto metadata = std::make_shared<GgufMetadata>(read_gguf_metadata(options.get("metadata"), "options.metadata"));
    const std::string adapter = options.has("adapter") ? options.string("adapter") : "";
    return queue(info.Env(), [path, type, metadata, adapter](Session& s) -> ResultMaker {
      const GgufExportResult result = export_gguf(s, path, type, *metadata, adapter);
      return [result](Napi::Env env) { return gguf_export_to_js(env, result); };
    });
  });
}

Napi::Value SessionObject::memory(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&]() -> Napi::Value {
    const Session& s = session();
    Napi::Object o = Napi::Object::New(info.Env());
    o.Set("plannedBytes", static_cast<double>(s.plan().total));
    o.Set("arenaPeakBytes", static_cast<double>(s.arena_peak_bytes()));
    const ProcessMemory process = process_memory();
    o.Set("rssBytes", static_cast<double>(process.resident));
    o.Set("peakRssBytes", static_cast<double>(process.peak));
    return o;
  });
}

Napi::Value SessionObject::release_idle_memory(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] {
    return queue(info.Env(), [](Session& s) {
      s.release_idle_memory();
      return undefined_result();
    });
  });
}

Napi::Value SessionObject::close(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!open_) {
    const auto done = Napi::Promise::Deferred::New(env);
    done.Resolve(env.Undefined());
    return done.Promise();
  }
  open_ = false;
  Ref();
  return thread_->run(env, [this]() -> ResultMaker {
    session_.reset();
    return [this](Napi::Env js) {
      thread_->shut_down();
      Unref();
      return js.Undefined();
    };
  });
}

void SessionObject::request_stop(const Napi::CallbackInfo&) {
  if (open_) session_->request_stop();
}

void SessionObject::clear_stop(const Napi::CallbackInfo&) {
  if (open_) session_->clear_stop();
}

}  // namespace anneal
