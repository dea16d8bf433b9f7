// Row orders in which GGUF keeps matrices otherwise than Hugging Face.
#pragma once
#include <cstdint>

namespace anneal {

// Architectures whose rotation turns neighbours keep the rotated rows of a head in pairs: row 2i is Hugging Face's row
// i of the rotated part, row 2i + 1 its row i + rotated / 2. Of every `stride` rows those behind `first` are rotated.
// stride 0: nothing moves.
struct RotationPairs {
  int64_t stride = 0, first = 0, rotated = 0;

  // Row of the file that holds Hugging Face row `row`, and back.
  int64_t to_file(int64_t row) const { return moved(row, true); }
  int64_t from_file(int64_t row) const { return moved(row, false); }

 private:
  int64_t moved(int64_t row, bool to_file) const {
    if (stride == 0 || row % stride < first || row % stride >= first + rotated) return row;
    const int64_t i = row % stride - first, half = rotated / 2;
    return row - i + (to_file ? (i % half) * 2 + i / half : (i % 2) * half + i / 2);
  }
};

}  // namespace anneal
