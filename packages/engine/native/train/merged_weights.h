// Rows of a session's model as it stands, with one adapter merged in.
#pragma once
#include <string>
#include <unordered_map>
#include <vector>

#include "train/session.h"

namespace anneal {

// Elements [first, first + count) of a trained parameter; all of them.
std::vector<float> trained_values(const Parameter& p, int64_t first, int64_t count);
std::vector<float> trained_values(const Parameter& p);

// Trained parameters as training has them, frozen ones exactly as the file holds them, plus scale * B A where a linear is adapted, and
// times the magnitude over the norm with DoRA.
class MergedWeights {
 public:
  MergedWeights(Session& session, int adapter);
  // Rows in Hugging Face order; a vector is one row per element.
  void read_rows(const Parameter& p, int64_t first, int64_t count, float* out) const;

 private:
  struct LowRank {
    std::vector<float> a, b;
    int64_t rank;
    float scale;
    const float* factors;  // of each output, or null
  };
  static void add_low_rank(const LowRank& low, int64_t first, int64_t count, int64_t cols, float* out);

  Session& session_;
  std::unordered_map<std::string, LowRank> adapted_;
};

}  // namespace anneal
