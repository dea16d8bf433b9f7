// Rows of a session's model as it stands, with one adapter merged in.
#pragma once
#include <atomic>
#include <string>
#include <unordered_map>
#include <vector>

#include "train/session.h"

namespace anneal {

// Elements of a trained parameter as floats: where they lie, or a copy where they are narrower.
class TrainedValues {
 public:
  TrainedValues(const Parameter& p, int64_t first, int64_t count);
  explicit TrainedValues(const Parameter& p) : TrainedValues(p, 0, p.shape.elements()) {}
  TrainedValues(TrainedValues&&) = default;  // a vector's elements stay where they are
  TrainedValues& operator=(TrainedValues&&) = default;
  const float* data() const { return data_; }

 private:
  std::vector<float> copy_;
  const float* data_ = nullptr;
};

// Trained parameters as training has them, frozen ones exactly as the file holds them, plus scale * B A where a linear
// is adapted, and times the magnitude over the norm with DoRA.
class MergedWeights {
 public:
  MergedWeights(Session& session, int adapter);
  // Rows in Hugging Face order; a vector is one row per element.
  void read_rows(const Parameter& p, int64_t first, int64_t count, float* out) const;

 private:
  struct LowRank {
    TrainedValues a, b;
    int64_t rank;
    float scale;
    const float* factors;  // of each output, or null
  };
  static void add_low_rank(const LowRank& low, int64_t first, int64_t count, int64_t cols, float* out);

  Session& session_;
  std::unordered_map<std::string, LowRank> adapted_;
  mutable std::atomic<int64_t> unreleased_{
      0};  // elements read since the file's pages were let go; rows come from several threads
};

}  // namespace anneal
