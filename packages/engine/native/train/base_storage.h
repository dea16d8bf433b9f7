// How the frozen base stays in memory: dense, in blocks of our own (int8, NF4), or as the GGUF's own blocks.
#pragma once
#include <functional>
#include <string>

#include "train/model.h"
#include "train/training_spec.h"

namespace anneal {

// "dense", "int8", "nf4", "blocks"; kInvalidArgument naming spec.baseStorage for anything else.
BaseStorage parse_base_storage(const std::string& name);

// Sets storage and codec of every frozen matrix; before parameters are placed. Matrices whose rows are no whole blocks
// stay dense. Throws kInvalidArgument where the storage does not fit the method or the source.
void choose_base_storage(Model& model, const TrainingSpec& spec);

// Fills a parameter that has a codec or storage of its own from the source.
void load_stored(const WeightSource& source, Parameter& p, ThreadPool& pool);

// Calls fn(first, count) for runs of rows of a matrix on the pool's threads, and lets the file's pages go as it does.
void for_each_row_run(const WeightSource& source, const Parameter& p, ThreadPool& pool,
                      const std::function<void(int64_t first, int64_t count)>& fn);

}  // namespace anneal
