#include "nn/activations.h"

namespace anneal {
namespace {

void cut(Tensor& t, int64_t n) {
  if (t.shape.rank > 0) t.shape.dims[0] = n;
}

}  // namespace

LayerActivations layer_rows(const LayerActivations& full, int64_t n, int64_t rows) {
  LayerActivations a = full;
  cut(a.inv_rms_attention, n);
  for (Tensor& t : a.attention.tensors) cut(t, n);
  for (Tensor* t :
       {&a.middle, &a.inv_rms_ffn, &a.attention_out, &a.ffn_out, &a.inv_rms_attention_out, &a.inv_rms_ffn_out})
    cut(*t, rows);
  for (Tensor& t : a.ffn.tensors) cut(t, rows);
  return a;
}

// Slots keep their rows: a block takes what it needs of them end to end.
Workspace workspace_rows(const Workspace& full, int64_t n) {
  Workspace w = full;
  for (Tensor* t : {&w.normed, &w.dnormed, &w.dout, &w.dlow, &w.dropped}) cut(*t, n);
  return w;
}

}  // namespace anneal
