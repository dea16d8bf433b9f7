// Readers and writers: round trips, known digests, and the refusals that protect the caller.
#include <sys/stat.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "io/adapter.h"
#include "io/gguf.h"
#include "io/gguf_export.h"
#include "io/gguf_rows.h"
#include "io/json.h"
#include "io/safetensors.h"
#include "io/sha256.h"
#include "quant/quant.h"
#include "test_support/check.h"

using namespace anneal;

namespace {

// A folder of its own for the whole run, removed at exit.
const std::string& scratch() {
  struct Folder {
    std::string path = "/tmp/anneal-io-test-XXXXXX";
    Folder() {
      if (!::mkdtemp(path.data())) std::abort();
    }
    ~Folder() {
      if (std::system(("rm -r '" + path + "'").c_str()) != 0)
        std::fprintf(stderr, "could not remove %s\n", path.c_str());
    }
  };
  static const Folder folder;
  return folder.path;
}

std::string sha256(const std::string& text) {
  Sha256 digest;
  digest.update(text.data(), text.size());
  return digest.finish_hex();
}

JsonValue json(const std::string& text) { return parse_json(text, "test"); }

bool exists(const std::string& path) {
  struct stat info;
  return ::stat(path.c_str(), &info) == 0;
}

GgufExportRequest tiny_request(GgufFileType type) {
  GgufExportRequest request;
  request.type = type;
  request.threads = 2;
  GgufHyperparameters& h = request.hyperparameters;
  h.architecture = "llama";
  h.name = "tiny";
  h.context_length = 128, h.embedding_length = 256, h.block_count = 8, h.feed_forward_length = 512;
  h.head_count = 4, h.head_count_kv = 2, h.head_size = 64, h.rope_dimensions = 64, h.vocab_size = 40;
  request.metadata.emplace_back("tokenizer.ggml.tokens", GgufValue::strings({"a", "b"}));
  request.metadata.emplace_back("general.file_type", GgufValue::u32(2));
  request.metadata.emplace_back("split.count", GgufValue::u16(3));
  const auto add = [&](const char* name, Shape shape) {
    request.tensors.push_back({name, shape, [shape](int64_t first, int64_t count, float* out) {
                                 for (int64_t i = 0; i < count * shape[-1]; ++i)
                                   out[i] = std::sin(static_cast<float>(first * shape[-1] + i));
                               }});
  };
  add("token_embd.weight", {40, 256});
  add("blk.0.attn_v.weight", {128, 256});
  add("blk.1.attn_q.weight", {256, 256});
  add("blk.0.ffn_down.weight", {256, 512});
  add("blk.0.attn_norm.weight", {256});
  return request;
}

}  // namespace

TEST(sha256_known_answers) {
  CHECK_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK_EQ(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
           "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  const std::string million(1000000, 'a');
  CHECK_EQ(sha256(million), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  // Any split of the input gives the same digest.
  Sha256 digest;
  for (size_t at = 0, step = 1; at < million.size(); at += step, step = step % 131 + 1)
    digest.update(million.data() + at, std::min(step, million.size() - at));
  CHECK_EQ(digest.finish_hex(), sha256(million));
}

TEST(json_reads_what_is_json) {
  const JsonValue v = json(
      " {\"a\": [1, -2.5e3, true, false, null, \"x\\u00e9\\ud83d\\ude00\\n\"], \"b\": {\"c\": 9007199254740993}} ");
  const std::vector<JsonValue>& a = v.at("a", "test").as_array("a");
  CHECK_EQ(a.size(), size_t{6});
  CHECK_EQ(a[0].as_int("a"), 1);
  CHECK_NEAR(a[1].as_number("a"), -2500.0, 0);
  CHECK(a[2].as_bool("a") && !a[3].as_bool("a") && a[4].is_null());
  CHECK_EQ(a[5].as_string("a"), std::string("x\xc3\xa9\xf0\x9f\x98\x80\n"));
  CHECK_EQ(v.at("b", "t").get_int("c", "t"), int64_t{9007199254740993});
  CHECK_EQ(json(json_quote("a\"b\\c\x01\n")).as_string(""), std::string("a\"b\\c\x01\n"));
}

TEST(json_refuses_the_rest) {
  for (const char* bad : {"",
                          "{",
                          "[1,]",
                          "{\"a\":1,}",
                          "{\"a\":1,\"a\":2}",
                          "01",
                          "1.",
                          "+1",
                          ".5",
                          "1e",
                          "nul",
                          "\"\t\"",
                          "\"\\x\"",
                          "\"\\ud800\"",
                          "\"\\udc00\"",
                          "\"\\u12g4\"",
                          "1 2",
                          "[1 2]",
                          "{\"a\" 1}",
                          "{1:2}",
                          "NaN",
                          "1e999",
                          "'a'",
                          "\"abc"})
    CHECK_ERROR(json(bad), ErrorCode::kFormat);
  CHECK_ERROR(json(std::string(1000, '[')), ErrorCode::kFormat);
  JsonLimits few;
  few.max_values = 3;
  CHECK_ERROR(parse_json("[1,2,3]", "test", few), ErrorCode::kFormat);
  CHECK_ERROR(json("1.0").as_int("n"), ErrorCode::kFormat);
  CHECK_ERROR(json("{}").get_int("missing", "test"), ErrorCode::kFormat);
}

TEST(safetensors_round_trip) {
  const std::string path = scratch() + "/model.safetensors";
  SafetensorsWriter writer(path);
  writer.set_metadata("format", "pt");
  writer.declare("w", SafetensorsType::kF32, {2, 3});
  writer.declare("h", SafetensorsType::kF16, {4});
  writer.declare("b", SafetensorsType::kBF16, {4});
  writer.begin();
  const float values[14] = {1, 2, 3, 4, 5, 6, 0.5f, -2, 65504, 1e-8f, 0.5f, -2, 3e38f, 1};
  writer.append_f32(values, 14);
  const SavedFile saved = writer.finish();
  CHECK_EQ(saved.sha256.size(), size_t{64});
  const SafetensorsSet set = SafetensorsSet::open_folder(scratch());
  CHECK_EQ(set.file_bytes(), saved.bytes);
  CHECK_EQ(set.at("w").tensor("t").f32()[5], 6.0f);
  float h[4], b[4];
  set.at("h").read_f32(h, "t");
  set.at("b").read_f32(b, "t");
  CHECK(h[0] == 0.5f && h[1] == -2.0f && h[2] == 65504.0f && b[1] == -2.0f && b[3] == 1.0f);
  CHECK_ERROR(set.at("nosuch"), ErrorCode::kFormat);
}

TEST(unfinished_files_leave_nothing) {
  const std::string path = scratch() + "/unfinished.safetensors";
  {
    SafetensorsWriter writer(path);
    writer.declare("w", SafetensorsType::kF32, {2});
    writer.begin();
    CHECK_ERROR(writer.finish(), ErrorCode::kInternal);
  }
  CHECK(!exists(path));
  CHECK_EQ(std::system(("test -z \"$(ls '" + scratch() + "' | grep unfinished)\"").c_str()), 0);
  CHECK_ERROR(FileWriter(scratch() + "/no/such/folder/file"), ErrorCode::kIo);
}

TEST(gguf_round_trip) {
  const std::string path = scratch() + "/round.gguf";
  GgufWriter writer(path, 64);
  writer.set("a.u8", GgufValue::u8(200));
  writer.set("a.i64", GgufValue::i64(-5));
  writer.set("a.f64", GgufValue::f64(0.1));
  writer.set("a.bool", GgufValue::boolean(true));
  writer.set("a.text", GgufValue::string(std::string("nul\0inside", 10)));
  writer.set("a.strings", GgufValue::strings({"", "x", std::string(1000, 'y')}));
  const int32_t ints[] = {-1, 2, 3};
  writer.set("a.ints", GgufValue::i32_array(ints, 3));
  writer.set("a.u8", GgufValue::u8(201));
  writer.declare("t", DType::kQ8_0, {3, 64});
  writer.declare("v", DType::kF32, {5});
  writer.begin();
  std::vector<float> w(192);
  for (size_t i = 0; i < w.size(); ++i) w[i] = static_cast<float>(i);
  std::vector<uint8_t> blocks(3 * 68);
  quantise_rows(DType::kQ8_0, w.data(), blocks.data(), 3, 64);
  writer.append(blocks.data(), 100);
  writer.append(blocks.data() + 100, 104);
  writer.append(w.data(), 20);
  writer.finish();
  const GgufFile file(path);
  CHECK_EQ(file.get_int("a.u8"), 201);
  CHECK_EQ(file.get_int("a.i64"), -5);
  CHECK_NEAR(file.get_number("a.f64"), 0.1, 0);
  CHECK_EQ(file.get_string("a.text").size(), size_t{10});
  CHECK_EQ(file.at("a.strings").as_strings("k")[2].size(), size_t{1000});
  CHECK_EQ(file.at("a.ints").as_ints("k")[0], -1);
  CHECK_ERROR(file.get_int("a.text"), ErrorCode::kFormat);
  CHECK_ERROR(file.at("a.ints").as_strings("k"), ErrorCode::kFormat);
  CHECK_ERROR(file.get_int("a.nosuch"), ErrorCode::kFormat);
  CHECK(file.tensor("t").shape == (Shape{3, 64}));
  CHECK_EQ(reinterpret_cast<uintptr_t>(file.tensor("v").data) % 64, uintptr_t{0});
  CHECK(std::memcmp(file.tensor("t").data, blocks.data(), blocks.size()) == 0);
  float row[64];
  file.tensor("t").read_rows_f32(2, 1, row, "test");
  CHECK_NEAR(row[63], 191.0, 0.8);
  CHECK_ERROR(file.tensor("t").read_rows_f32(2, 2, row, "test"), ErrorCode::kShape);
}

TEST(export_chooses_types_as_llama_cpp_does) {
  const Shape wide{64, 512}, narrow{64, 96}, odd{64, 40};
  const auto type = [](const char* name, const Shape& shape, bool tied = false) {
    return gguf_tensor_type(GgufFileType::kQ4_K_M, name, shape, 16, tied);
  };
  CHECK(type("output.weight", wide) == DType::kQ6_K);
  CHECK(type("output.weight", narrow) == DType::kQ8_0);
  CHECK(type("token_embd.weight", wide) == DType::kQ4_K);
  CHECK(type("token_embd.weight", wide, true) == DType::kQ6_K);
  CHECK(type("blk.0.attn_v.weight", wide) == DType::kQ6_K);  // first eighth
  CHECK(type("blk.2.attn_v.weight", wide) == DType::kQ4_K);
  CHECK(type("blk.4.ffn_down.weight", wide) == DType::kQ6_K);  // every third between
  CHECK(type("blk.15.ffn_down.weight", narrow) == DType::kQ8_0);
  CHECK(type("blk.3.attn_q.weight", narrow) == DType::kQ5_0);
  CHECK(type("blk.3.attn_q.weight", odd) == DType::kF16);
  CHECK(type("blk.3.attn_norm.weight", Shape{512}) == DType::kF32);
  CHECK(type("blk.3.attn_q.bias", Shape{512}) == DType::kF32);
  CHECK(gguf_tensor_type(GgufFileType::kQ8_0, "output.weight", odd, 16, false) == DType::kF16);
  CHECK_ERROR(parse_gguf_file_type("Q3_K"), ErrorCode::kInvalidArgument);
}

TEST(export_writes_every_file_type) {
  const struct {
    GgufFileType type;
    int64_t number;
    double tolerance;
  } all[] = {{GgufFileType::kF32, 0, 0},        {GgufFileType::kF16, 1, 5e-4},  {GgufFileType::kBF16, 32, 4e-3},
             {GgufFileType::kQ8_0, 7, 8e-3},    {GgufFileType::kQ4_0, 2, 0.25}, {GgufFileType::kQ4_K_M, 15, 0.12},
             {GgufFileType::kQ5_K_M, 17, 0.06}, {GgufFileType::kQ6_K, 18, 0.04}};
  for (const auto& c : all) {
    const std::string path = scratch() + "/export.gguf";
    const GgufExportRequest request = tiny_request(c.type);
    const GgufExportResult result = export_gguf(path, request);
    const SavedFile& saved = result.file;
    // The error it reports is the one found by reading back.
    double error = 0, size = 0;
    const GgufFile file(path);
    CHECK_EQ(file.file_bytes(), saved.bytes);
    CHECK_EQ(file.get_int("general.file_type"), c.number);
    CHECK_EQ(file.get_int("llama.attention.head_count_kv"), 2);
    CHECK(file.find("split.count") == nullptr);
    CHECK_EQ(file.at("tokenizer.ggml.tokens").as_strings("k").size(), size_t{2});
    for (const GgufExportTensor& t : request.tensors) {
      const int64_t cols = t.shape[-1], rows = t.shape.elements() / cols;
      std::vector<float> want(static_cast<size_t>(rows * cols)), got(want.size());
      t.read_rows(0, rows, want.data());
      file.tensor(t.name).read_rows_f32(0, rows, got.data(), "test");
      for (size_t i = 0; i < want.size(); ++i) {
        CHECK_NEAR(got[i], want[i], c.tolerance);
        const double w = static_cast<double>(want[i]), d = static_cast<double>(got[i]) - w;
        if (file.tensor(t.name).dtype != DType::kF32) error += d * d, size += w * w;
      }
    }
    CHECK_NEAR(result.relative_rmse, size > 0 ? std::sqrt(error / size) : 0.0, 1e-9);
    // The same bytes whatever the number of threads.
    GgufExportRequest alone = tiny_request(c.type);
    alone.threads = 1;
    const GgufExportResult again = export_gguf(path, alone);
    CHECK(again.file.sha256 == saved.sha256 && again.relative_rmse == result.relative_rmse);
  }
}

TEST(export_refuses_values_that_would_be_lost) {
  const std::string path = scratch() + "/refused.gguf";
  GgufExportRequest request = tiny_request(GgufFileType::kF16);
  const auto fill = [](float value) {
    return [value](int64_t, int64_t count, float* out) { std::fill(out, out + count * 256, value); };
  };
  request.tensors[0].read_rows = fill(NAN);
  CHECK_ERROR(export_gguf(path, request), ErrorCode::kNumeric);
  request.tensors[0].read_rows = fill(1e5f);
  CHECK_ERROR(export_gguf(path, request), ErrorCode::kNumeric);
  request.type = GgufFileType::kBF16;
  export_gguf(path, request);
  ::unlink(path.c_str());
  request.should_stop = [] { return true; };
  CHECK_ERROR(export_gguf(path, request), ErrorCode::kStopped);
  request.hyperparameters.head_count_kv = 0;
  CHECK_ERROR(export_gguf(path, request), ErrorCode::kInvalidArgument);
  CHECK(!exists(path));
}

TEST(rope_rows_and_factors) {
  // Pairs (i, i + half) of Hugging Face's halves become neighbours in llama.cpp's order.
  const RotationPairs whole{8, 0, 8}, part{10, 6, 4};
  CHECK_EQ(whole.from_file(0), 0);
  CHECK_EQ(whole.from_file(1), 4);
  CHECK_EQ(whole.from_file(2), 1);
  CHECK_EQ(whole.from_file(9), 12);
  CHECK_EQ(part.from_file(5), 5);
  CHECK_EQ(part.from_file(17), 18);
  CHECK_EQ(RotationPairs{}.to_file(7), 7);
  for (int64_t row = 0; row < 40; ++row) {
    CHECK_EQ(whole.to_file(whole.from_file(row)), row);
    CHECK_EQ(part.from_file(part.to_file(row)), row);
  }
  const std::vector<float> f = llama3_rope_factors(64, 500000.0, {32.0, 1.0, 4.0, 8192});
  CHECK_EQ(f.size(), size_t{32});
  CHECK_EQ(f[0], 1.0f);
  CHECK_EQ(f[31], 32.0f);
  CHECK(f[16] > 1.0f && f[16] < 32.0f);
}

TEST(adapter_patterns_match_as_in_peft) {
  const auto matches = [](const char* key, const char* module) { return AdapterPattern(key, 1, "f").matches(module); };
  CHECK(matches("q_proj", "model.layers.0.self_attn.q_proj"));
  CHECK(!matches("q_proj", "model.layers.0.self_attn.kq_proj"));
  CHECK(matches("layers.1.mlp.up_proj", "model.layers.1.mlp.up_proj"));
  CHECK(!matches("layers.1.mlp.up_proj", "model.layers.11.mlp.up_proj"));
  CHECK(matches("layers\\.1\\.mlp\\.up_proj$", "model.layers.1.mlp.up_proj"));
  CHECK(matches(".*\\.up_proj", "model.layers.1.mlp.up_proj"));
  CHECK(matches(".*proj", "model.layers.1.mlp.up_proj"));
  CHECK(!matches("^layers.1.mlp.up_proj", "model.layers.1.mlp.up_proj"));
  CHECK(matches("^model.layers.1.mlp.up_proj", "model.layers.1.mlp.up_proj"));
  for (const char* key : {"", "^", "$", "a+", "(a|b)", "[0-9]", "a{2}", "\\d", "a*", "x\\"})
    CHECK_ERROR(AdapterPattern(key, 1, "f"), ErrorCode::kUnsupported);
}

TEST(adapter_round_trip_and_refusals) {
  const std::string dir = scratch() + "/adapter";
  CHECK_EQ(::mkdir(dir.c_str(), 0755), 0);
  const std::string module = "model.layers.0.self_attn.q_proj";
  AdapterConfig config;
  config.rank = 2, config.alpha = 4, config.dropout = 0.05, config.rslora = true;
  config.target_modules = {"q_proj"};
  config.base_model_name = "a \"name\"";
  write_adapter(dir, config,
                {{peft_tensor_name(module, "lora_A"), {2, 3}, {1, 2, 3, 4, 5, 6}},
                 {peft_tensor_name(module, "lora_B"), {4, 2}, {1, 2, 3, 4, 5, 6, 7, 8}}});
  const AdapterFolder folder(dir);
  CHECK_EQ(folder.config().rank, 2);
  CHECK_NEAR(folder.config().dropout, 0.05, 0);
  CHECK(folder.config().rslora && folder.config().base_model_name == "a \"name\"");
  CHECK_EQ(folder.lora_b(module).tensor("t").f32()[7], 8.0f);
  CHECK_ERROR(folder.lora_a("model.layers.1.self_attn.q_proj"), ErrorCode::kFormat);
  const char* base = "{\"peft_type\":\"LORA\",\"r\":2,\"lora_alpha\":4";
  const struct {
    const char* rest;
    ErrorCode code;
  } bad[] = {{",\"lora_bias\":true}", ErrorCode::kUnsupported},
             {",\"use_dora\":1}", ErrorCode::kFormat},
             {",\"rank_pattern\":{\"q_proj\":4}}", ErrorCode::kFormat},  // tensors have rank 2
             {",\"rank_pattern\":{\"q_proj\":1.5}}", ErrorCode::kFormat},
             {",\"rank_pattern\":{\"q_proj|k_proj\":4}}", ErrorCode::kUnsupported},
             {",\"alpha_pattern\":{\"(a+)+\":4}}", ErrorCode::kUnsupported},
             {",\"bias\":\"all\"}", ErrorCode::kUnsupported},
             {",\"lora_dropout\":1}", ErrorCode::kFormat},
             {",\"target_modules\":[1]}", ErrorCode::kFormat}};
  for (const auto& c : bad) {
    write_file(dir + "/adapter_config.json", std::string(base) + c.rest);
    CHECK_ERROR(AdapterFolder{dir}, c.code);
  }
  write_file(dir + "/adapter_config.json", "{\"peft_type\":\"LORA\",\"r\":3,\"lora_alpha\":4}");
  CHECK_ERROR(AdapterFolder{dir}, ErrorCode::kFormat);  // tensors have rank 2
  CHECK_EQ(::unlink((dir + "/adapter_model.safetensors").c_str()), 0);
  write_file(dir + "/adapter_model.bin", "\x80\x02");
  CHECK_ERROR(AdapterFolder{dir}, ErrorCode::kFormat);
}

TEST_MAIN()
