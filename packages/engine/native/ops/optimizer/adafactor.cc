#include "ops/optimizer/adafactor.h"

#include <algorithm>
#include <cmath>

namespace anneal {

namespace {

constexpr int64_t kColumnGrain = 64;

// Sum of fn(begin, end) over chunks of a flat range, added up in their order.
template <class Fn>
double sum_chunks(Context& ctx, int64_t n, Fn&& fn) {
  ArenaScope scope(ctx.scratch);
  const int64_t chunks = (n + kFlatGrain - 1) / kFlatGrain;
  double* sums = ctx.scratch.allocate_array<double>(static_cast<size_t>(chunks));
  parallel_ranges(ctx, n, kFlatGrain, [&](int64_t begin, int64_t end) { sums[begin / kFlatGrain] = fn(begin, end); });
  double total = 0;
  for (int64_t i = 0; i < chunks; ++i) total += sums[i];
  return total;
}

double weight_squares(Context& ctx, const Tensor& w) {
  return sum_chunks(ctx, w.shape.elements(), [&](int64_t begin, int64_t end) {
    double sum = 0;
    for (int64_t i = begin; i < end; ++i) {
      const double v = w.dtype == DType::kF32 ? w.f32()[i] : to_f32(w.as<bf16>()[i]);
      sum += v * v;
    }
    return sum;
  });
}

void move_towards(float& value, double target, double share) {
  value = static_cast<float>(value + (target - value) * share);
}

// Means of squared gradients along rows and columns.
void update_factors(Context& ctx, const Tensor& gradient, Tensor rows, Tensor columns, double scale, double share) {
  const int64_t r = rows.shape.elements(), c = columns.shape.elements();
  const float* g = gradient.f32();
  parallel_ranges(ctx, r, row_grain(c), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      double sum = 0;
      for (int64_t j = 0; j < c; ++j) sum += static_cast<double>(g[i * c + j]) * g[i * c + j];
      move_towards(rows.f32()[i], scale * scale * sum / static_cast<double>(c), share);
    }
  });
  parallel_ranges(ctx, c, kColumnGrain, [&](int64_t begin, int64_t end) {
    double sums[kColumnGrain] = {};
    for (int64_t i = 0; i < r; ++i)
      for (int64_t j = begin; j < end; ++j) sums[j - begin] += static_cast<double>(g[i * c + j]) * g[i * c + j];
    for (int64_t j = begin; j < end; ++j)
      move_towards(columns.f32()[j], scale * scale * sums[j - begin] / static_cast<double>(r), share);
  });
}

}  // namespace

void adafactor(Context& ctx, const UpdateTarget& target, const Tensor& gradient, Tensor rows, Tensor columns,
               Tensor variance, const AdafactorOptions& o) {
  constexpr const char* kOp = "adafactor";
  check_target(kOp, target, gradient);
  const int64_t n = gradient.shape.elements(), c = columns ? columns.shape.elements() : 1;
  if (variance) {
    require_elements(kOp, "variance", variance, n);
  } else {
    require_elements(kOp, "rows", rows, gradient.rows());
    require_elements(kOp, "columns", columns, gradient.cols());
  }
  require(o.step >= 1, ErrorCode::kInvalidArgument, "step_below_one", kOp, "step counts from 1");
  const auto step = static_cast<double>(o.step);
  const double share = std::pow(step, o.decay), scale = o.gradient_scale;
  const double size = std::sqrt(weight_squares(ctx, target.weights) / static_cast<double>(n));
  const double rate = std::max(o.epsilon2, size) * std::min<double>(o.learning_rate, 1.0 / std::sqrt(step));

  double mean_row = 1;
  if (variance) {
    parallel_ranges(ctx, n, kFlatGrain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const double g = scale * gradient.f32()[i];
        move_towards(variance.f32()[i], g * g, share);
      }
    });
  } else {
    update_factors(ctx, gradient, rows, columns, scale, share);
    double sum = 0;
    for (int64_t i = 0; i < rows.shape.elements(); ++i) sum += rows.f32()[i];
    mean_row = std::max(o.epsilon1, sum / static_cast<double>(rows.shape.elements()));
  }
  const double least = std::max(o.epsilon1 * o.epsilon1, 1e-290);
  // Gradient over the root of its second moment.
  const auto update_at = [&](int64_t i) {
    const double second =
        variance ? variance.f32()[i] : static_cast<double>(rows.f32()[i / c]) * columns.f32()[i % c] / mean_row;
    return scale * gradient.f32()[i] / std::sqrt(std::max(second, least));
  };
  const double squares = sum_chunks(ctx, n, [&](int64_t begin, int64_t end) {
    double sum = 0;
    for (int64_t i = begin; i < end; ++i) sum += update_at(i) * update_at(i);
    return sum;
  });
  const double clip = std::max(1.0, std::sqrt(squares / static_cast<double>(n)) / o.clip_threshold);
  const double decay = 1.0 - static_cast<double>(o.learning_rate) * o.weight_decay;
  update_weights(ctx, target, [&](float* w, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      w[i - begin] = static_cast<float>(w[i - begin] * decay - rate / clip * update_at(i));
  });
}

}  // namespace anneal
