// A session's model as files that others load: PEFT adapter, merged safetensors folder, GGUF.
#pragma once
#include <string>

#include "io/file_writer.h"
#include "io/gguf.h"
#include "io/gguf_export.h"
#include "io/safetensors.h"
#include "train/session.h"

namespace anneal {

// `adapter`: the name of one of those trained side by side; empty: the first.

// adapter_config.json and adapter_model.safetensors in `dir`, which is made when absent. Throws kInvalidArgument for
// full training.
void export_adapter(Session& session, const std::string& dir, const std::string& base_model_name,
                    const std::string& adapter);

// model.safetensors (base with the adapter merged in, in f32 arithmetic) and config.json in `dir`, made when absent.
void export_merged(Session& session, const std::string& dir, SafetensorsType type, const std::string& adapter);

// The merged model as GGUF. `metadata` wins over keys carried from a GGUF base (tokenizer.*, general.*).
GgufExportResult export_gguf(Session& session, const std::string& path, GgufFileType type, const GgufMetadata& metadata,
                             const std::string& adapter);

}  // namespace anneal
