// A small test harness: TEST(name) { CHECK(...); CHECK_NEAR(...); }, run by run_tests(). A failed check is counted and
// printed, the test goes on. The executable takes an optional substring that picks tests by name, and closes with "N
// passed, M failed", and how many were skipped.
#pragma once
#include <cmath>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>
#include <vector>

#include "core/error.h"

namespace anneal::test {

struct Case {
  const char* name;
  void (*body)();
};

inline std::vector<Case>& cases() {
  static std::vector<Case> all;
  return all;
}
inline int& failures_of_case() {
  static int n = 0;
  return n;
}

// Set by a case that cannot run in this program.
inline bool& case_is_skipped() {
  static bool skipped = false;
  return skipped;
}

struct Registrar {
  Registrar(const char* name, void (*body)()) { cases().push_back({name, body}); }
};

inline void fail(const char* file, int line, const std::string& what) {
  // The first few say enough; a broken kernel would otherwise print a million lines.
  if (++failures_of_case() <= 8) std::printf("  %s:%d: %s\n", file, line, what.c_str());
}

// Largest |a-b| relative to the largest |b| (or absolute when b is all below `floor`). NaN anywhere gives infinity.
template <class A, class B>
double relative_error(const A* a, const B* b, size_t n, double floor = 1e-6) {
  double worst = 0, scale = floor;
  for (size_t i = 0; i < n; ++i) scale = std::fmax(scale, std::fabs(static_cast<double>(b[i])));
  for (size_t i = 0; i < n; ++i) {
    const double d = std::fabs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    if (!(d <= 1e300)) return INFINITY;
    worst = std::fmax(worst, d);
  }
  return worst / scale;
}

inline int run_tests(int argc, char** argv) {
  const char* filter = argc > 1 ? argv[1] : "";
  int passed = 0, failed = 0, skipped = 0;
  for (const Case& c : cases()) {
    if (!std::strstr(c.name, filter)) continue;
    failures_of_case() = 0;
    case_is_skipped() = false;
    try {
      c.body();
    } catch (const std::exception& e) {
      fail(c.name, 0, std::string("threw: ") + e.what());
    }
    if (failures_of_case()) {
      std::printf("FAIL %s (%d checks)\n", c.name, failures_of_case());
      ++failed;
    } else {
      ++(case_is_skipped() ? skipped : passed);
    }
  }
  std::printf("%d passed, %d failed", passed, failed);
  if (skipped) std::printf(", %d skipped", skipped);
  std::printf("\n");
  return failed || passed == 0 ? 1 : 0;
}

}  // namespace anneal::test

#define TEST(name)                                                           \
  static void test_##name();                                                 \
  static const anneal::test::Registrar registrar_##name(#name, test_##name); \
  static void test_##name()

#define CHECK(condition)                                                               \
  do {                                                                                 \
    if (!(condition)) anneal::test::fail(__FILE__, __LINE__, "not true: " #condition); \
  } while (0)

#define CHECK_EQ(a, b)                                                                      \
  do {                                                                                      \
    if (!((a) == (b))) anneal::test::fail(__FILE__, __LINE__, "not equal: " #a " and " #b); \
  } while (0)

#define CHECK_NEAR(a, b, tolerance)                                                                          \
  do {                                                                                                       \
    const double a_ = (a), b_ = (b);                                                                         \
    if (!(std::fabs(a_ - b_) <= (tolerance)))                                                                \
      anneal::test::fail(__FILE__, __LINE__, #a " = " + std::to_string(a_) + ", not " + std::to_string(b_)); \
  } while (0)

// The expression must throw anneal::Error with this code.
#define CHECK_ERROR(expression, wanted)                                                       \
  do {                                                                                        \
    bool right_ = false;                                                                      \
    try {                                                                                     \
      expression;                                                                             \
    } catch (const anneal::Error& e_) {                                                       \
      right_ = e_.code() == (wanted);                                                         \
    }                                                                                         \
    if (!right_) anneal::test::fail(__FILE__, __LINE__, "no " #wanted " from: " #expression); \
  } while (0)

#define TEST_MAIN() \
  int main(int argc, char** argv) { return anneal::test::run_tests(argc, argv); }
