// What a session writes and reads: its state, adapters, merged models.
#include "binding/arguments.h"
#include "binding/session_object.h"
#include "train/export.h"

namespace anneal {

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
      throw Error(ErrorCode::kInvalidArgument, "not_expected", "options.dtype", "is {found}, expected {expected}",
                  {{"found", "\"" + dtype + "\""}, {"expected", "\"f32\", \"bf16\" or \"f16\""}});
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

}  // namespace anneal
