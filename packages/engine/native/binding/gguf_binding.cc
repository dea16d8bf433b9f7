#include "binding/gguf_binding.h"

#include <cstring>
#include <string>

#include "binding/arguments.h"
#include "binding/results.h"
#include "io/gguf.h"
#include "quant/quant.h"

namespace anneal {
namespace {

// Turns Error, and a failed allocation, into a JavaScript exception.
template <class Body>
Napi::Value guarded(Napi::Env env, Body&& body) {
  try {
    return body();
  } catch (const Error& error) {
    throw to_js_error(env, error);
  } catch (const std::bad_alloc&) {
    throw to_js_error(env,
                      Error(ErrorCode::kOutOfMemory, "allocation_refused", "memory", "the allocation was refused"));
  }
}

Napi::Value scalar_to_js(Napi::Env env, const std::string& key, const GgufValue& value) {
  switch (value.type()) {
    case GgufType::kString: return Napi::String::New(env, value.as_string(key));
    case GgufType::kBool: return Napi::Boolean::New(env, value.as_bool(key));
    // 64-bit numbers stay exact.
    case GgufType::kU64: return Napi::BigInt::New(env, value.scalar_bits());
    case GgufType::kI64: return Napi::BigInt::New(env, value.as_int(key));
    default: return Napi::Number::New(env, value.as_number(key));
  }
}

template <class Array>
Napi::Value scalars_to_js(Napi::Env env, const GgufArray& array) {
  Array out = Array::New(env, static_cast<size_t>(array.count));
  if (!array.scalars.empty()) std::memcpy(out.Data(), array.scalars.data(), array.scalars.size());
  return out;
}

Napi::Value array_to_js(Napi::Env env, const GgufArray& array) {
  switch (array.type) {
    case GgufType::kU8: return scalars_to_js<Napi::Uint8Array>(env, array);
    case GgufType::kI8: return scalars_to_js<Napi::Int8Array>(env, array);
    case GgufType::kU16: return scalars_to_js<Napi::Uint16Array>(env, array);
    case GgufType::kI16: return scalars_to_js<Napi::Int16Array>(env, array);
    case GgufType::kU32: return scalars_to_js<Napi::Uint32Array>(env, array);
    case GgufType::kI32: return scalars_to_js<Napi::Int32Array>(env, array);
    case GgufType::kF32: return scalars_to_js<Napi::Float32Array>(env, array);
    case GgufType::kF64: return scalars_to_js<Napi::Float64Array>(env, array);
    case GgufType::kU64: return scalars_to_js<Napi::BigUint64Array>(env, array);
    case GgufType::kI64: return scalars_to_js<Napi::BigInt64Array>(env, array);
    case GgufType::kBool: {
      Napi::Array out = Napi::Array::New(env, static_cast<size_t>(array.count));
      for (uint32_t i = 0; i < array.scalars.size(); ++i) out.Set(i, Napi::Boolean::New(env, array.scalars[i] != 0));
      return out;
    }
    case GgufType::kString: {
      Napi::Array out = Napi::Array::New(env, array.strings.size());
      for (uint32_t i = 0; i < array.strings.size(); ++i) {
        // A scope per string: a vocabulary has hundreds of thousands of them.
        const Napi::HandleScope scope(env);
        out.Set(i, Napi::String::New(env, array.strings[i]));
      }
      return out;
    }
    case GgufType::kArray: break;
  }
  throw Error(ErrorCode::kInternal, "nested_array", "metadata", "array of arrays");
}

// Without a prototype: a key named __proto__ in a hostile file is then a key like any other.
Napi::Object bare_object(Napi::Env env) {
  const Napi::Object constructor = env.Global().Get("Object").As<Napi::Object>();
  return constructor.Get("create").As<Napi::Function>().Call({env.Null()}).As<Napi::Object>();
}

Napi::Value read_gguf_metadata_js(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    const GgufFile file(read_path(info[0], "path"));
    Napi::Object metadata = bare_object(env);
    for (const auto& [key, value] : file.metadata())
      metadata.Set(Napi::String::New(env, key), value.type() == GgufType::kArray ? array_to_js(env, value.as_array(key))
                                                                                 : scalar_to_js(env, key, value));
    Napi::Array tensors = Napi::Array::New(env, file.tensors().size());
    for (uint32_t i = 0; i < file.tensors().size(); ++i) {
      const Napi::HandleScope scope(env);
      const GgufTensor& tensor = file.tensors()[i];
      Napi::Array shape = Napi::Array::New(env, static_cast<size_t>(tensor.shape.rank));
      for (int d = 0; d < tensor.shape.rank; ++d)
        shape.Set(static_cast<uint32_t>(d), Napi::Number::New(env, static_cast<double>(tensor.shape[d])));
      Napi::Object entry = Napi::Object::New(env);
      entry.Set("name", tensor.name);
      entry.Set("type", tensor.type_name);
      entry.Set("shape", shape);
      entry.Set("bytes", Napi::Number::New(env, static_cast<double>(tensor.bytes)));
      tensors.Set(i, entry);
    }
    Napi::Object out = Napi::Object::New(env);
    out.Set("version", Napi::Number::New(env, file.version()));
    out.Set("metadata", metadata);
    out.Set("tensors", tensors);
    return out;
  });
}

const QuantType& read_type(const Napi::Value& value) {
  if (!value.IsString())
    throw Error(ErrorCode::kInvalidArgument, "expected_gguf_type", "type", "expected the name of a GGUF type");
  const std::string name = value.As<Napi::String>().Utf8Value();
  const QuantType* type = find_quant_type(std::string_view(name));
  if (!type)
    throw Error(ErrorCode::kInvalidArgument, "gguf_type_unknown", "type", "unknown GGUF type \"{type}\"",
                {{"type", name.substr(0, 40)}});
  return *type;
}

int64_t read_row_length(const Napi::Value& value, const QuantType& type) {
  const double n = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : 0.0;
  if (!(n >= 1.0 && n <= 9007199254740991.0) || n != static_cast<double>(static_cast<int64_t>(n)) ||
      static_cast<int64_t>(n) % type.block_elements != 0)
    throw Error(ErrorCode::kInvalidArgument, "expected_multiple_of_block", "rowLength",
                "expected a multiple of {elements}, the block of {type}",
                {{"elements", type.block_elements}, {"type", type.name}});
  return static_cast<int64_t>(n);
}

Napi::Value quantise_tensor_js(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    const QuantType& type = read_type(info[0]);
    if (!info[1].IsTypedArray() || info[1].As<Napi::TypedArray>().TypedArrayType() != napi_float32_array)
      throw Error(ErrorCode::kInvalidArgument, "expected_float32_array", "values", "expected a Float32Array");
    const Napi::Float32Array values = info[1].As<Napi::Float32Array>();
    const int64_t n = read_row_length(info[2], type), total = static_cast<int64_t>(values.ElementLength());
    if (total % n != 0)
      throw Error(ErrorCode::kInvalidArgument, "length_not_multiple_of_row", "values",
                  "length is no multiple of rowLength");
    Napi::Uint8Array out = Napi::Uint8Array::New(env, static_cast<size_t>(total / n) * quant_row_bytes(type.dtype, n));
    quantise_rows(type.dtype, values.Data(), out.Data(), total / n, n);
    return out;
  });
}

Napi::Value dequantise_tensor_js(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    const QuantType& type = read_type(info[0]);
    if (!info[1].IsTypedArray() || info[1].As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array)
      throw Error(ErrorCode::kInvalidArgument, "expected_uint8_array", "blocks", "expected a Uint8Array");
    const Napi::Uint8Array blocks = info[1].As<Napi::Uint8Array>();
    const int64_t n = read_row_length(info[2], type);
    const size_t row_bytes = quant_row_bytes(type.dtype, n);
    if (blocks.ByteLength() % row_bytes != 0)
      throw Error(ErrorCode::kInvalidArgument, "length_not_multiple_of_row_bytes", "blocks",
                  "length is no multiple of the {bytes} bytes of a row", {{"bytes", row_bytes}});
    const int64_t rows = static_cast<int64_t>(blocks.ByteLength() / row_bytes);
    Napi::Float32Array out = Napi::Float32Array::New(env, static_cast<size_t>(rows * n));
    dequantise_rows(type.dtype, blocks.Data(), out.Data(), rows, n);
    return out;
  });
}

}  // namespace

void define_gguf_functions(Napi::Env env, Napi::Object exports) {
  exports.Set("readGgufMetadata", Napi::Function::New(env, read_gguf_metadata_js, "readGgufMetadata"));
  exports.Set("quantiseTensor", Napi::Function::New(env, quantise_tensor_js, "quantiseTensor"));
  exports.Set("dequantiseTensor", Napi::Function::New(env, dequantise_tensor_js, "dequantiseTensor"));
}

}  // namespace anneal
