// Every half as a float: one load where a conversion would take a vector unit away from the products.
#pragma once
#include <array>
#include <cstdint>

namespace anneal {

extern const std::array<float, 65536> kHalfValues;  // by the half's bits

}  // namespace anneal
