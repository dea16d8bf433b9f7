// The 16 levels of IQ4_NL and IQ4_XS, a fixed part of the format.
#pragma once

namespace anneal {
namespace {
constexpr float kIq4Table[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
}
}  // namespace anneal
