// The makers that registry.cc chooses from; each lies in the file of its name.
#pragma once
#include "train/objectives/objective.h"

namespace anneal {

std::unique_ptr<Objective> make_dpo(const TrainingSpec& spec, Model& model);
std::unique_ptr<Objective> make_ipo(const TrainingSpec& spec, Model& model);
std::unique_ptr<Objective> make_orpo(const TrainingSpec& spec, Model& model);
std::unique_ptr<Objective> make_simpo(const TrainingSpec& spec, Model& model);
std::unique_ptr<Objective> make_kto(const TrainingSpec& spec, Model& model);
std::unique_ptr<Objective> make_distill(const TrainingSpec& spec, const Model& model);
std::unique_ptr<Objective> make_sft(const TrainingSpec& spec, const Model& model);

}  // namespace anneal
