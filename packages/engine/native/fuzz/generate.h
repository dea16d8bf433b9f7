// Inputs for each reader: structure-aware faults first (count overflow, offset overlap, type confusion, alignment,
// string lengths, size products), then blind changes of bytes.
#pragma once
#include <string>

#include "fuzz/images.h"
#include "fuzz/random.h"

namespace anneal::fuzz {

struct Input {
  Bytes bytes;
  // Set where the one fault put in makes the file certainly malformed: accepting it is a finding.
  bool must_refuse = false;
  const char* fault = "none";
};

using Generator = Input (*)(Random* random);
// nullptr when unknown.
Generator find_generator(const std::string& reader);

}  // namespace anneal::fuzz
