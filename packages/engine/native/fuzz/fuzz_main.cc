// fuzz_reader READER --runs N --seed S [--only I]: feeds N generated inputs to a reader. A finding is a sanitizer's
// report, an exception other than our Error, a code that foreign bytes must not cause, an accepted file that must be
// refused, or an input that takes ten seconds. Each ends the program with the two numbers that reproduce it.
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>

#include "core/error.h"
#include "fuzz/generate.h"
#include "fuzz/readers.h"

// Called by the sanitizers before they end the process; absent in a build without them.
extern "C" void __sanitizer_set_death_callback(void (*callback)()) __attribute__((weak));

namespace {

const char* g_reader = "";
unsigned long long g_seed = 0, g_index = 0;

void report(const char* what) {
  std::printf("finding: %s\nreproduce: fuzz_reader %s --seed %llu --only %llu\n", what, g_reader, g_seed, g_index);
  std::fflush(stdout);
}

void on_death() { report("a sanitizer's report (above)"); }

void on_alarm(int) {
  report("an input takes more than ten seconds");
  _exit(1);
}

// True when the input was handled as it should be.
bool run_one(anneal::fuzz::Reader reader, anneal::fuzz::Generator generate, unsigned long long index) {
  g_index = index;
  anneal::fuzz::Random random(g_seed, index);
  const anneal::fuzz::Input input = generate(&random);
  try {
    reader(input.bytes);
  } catch (const anneal::Error& error) {
    if (error.code() == anneal::ErrorCode::kFormat || error.code() == anneal::ErrorCode::kUnsupported) return true;
    report(error.what());
    return false;
  } catch (const std::exception& error) {
    report(error.what());
    return false;
  }
  if (!input.must_refuse) return true;
  report((std::string("a file with a certain fault was accepted: ") + input.fault).c_str());
  return false;
}

unsigned long long parse_number(const char* option, const char* text) {
  char* end = nullptr;
  const unsigned long long value = text ? std::strtoull(text, &end, 10) : 0;
  if (!text || end == text || *end != '\0') {
    std::fprintf(stderr, "%s expects a whole number\n", option);
    std::exit(2);
  }
  return value;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || !anneal::fuzz::find_reader(argv[1])) {
    std::fprintf(stderr, "usage: fuzz_reader json|safetensors|gguf|adapter [--runs N] [--seed S] [--only I]\n");
    return 2;
  }
  g_reader = argv[1];
  unsigned long long runs = 10000, only = 0;
  bool single = false;
  for (int i = 2; i < argc; i += 2) {
    const char* value = i + 1 < argc ? argv[i + 1] : nullptr;
    if (!std::strcmp(argv[i], "--runs")) runs = parse_number("--runs", value);
    else if (!std::strcmp(argv[i], "--seed")) g_seed = parse_number("--seed", value);
    else if (!std::strcmp(argv[i], "--only")) only = parse_number("--only", value), single = true;
    else {
      std::fprintf(stderr, "unknown option %s\n", argv[i]);
      return 2;
    }
  }
  if (__sanitizer_set_death_callback) __sanitizer_set_death_callback(on_death);
  signal(SIGALRM, on_alarm);
  const anneal::fuzz::Reader reader = anneal::fuzz::find_reader(g_reader);
  const anneal::fuzz::Generator generate = anneal::fuzz::find_generator(g_reader);
  unsigned long long passed = 0;
  for (unsigned long long i = single ? only : 0; i < (single ? only + 1 : runs); ++i) {
    if (i % 256 == 0 || single) alarm(10);
    if (!run_one(reader, generate, i)) {
      std::printf("%llu passed, 1 failed, 0 skipped\n", passed);
      return 1;
    }
    ++passed;
  }
  std::printf("%llu passed, 0 failed, 0 skipped\n", passed);
  return 0;
}
