// What a file is that is none of the kind that was expected, and how foreign text is shown in messages.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "core/error.h"
#include "io/mapped_file.h"

namespace anneal {

// "a web page (HTML), as a download without permission leaves it", ...: told by the first bytes. Nothing
// where they say nothing.
std::optional<Cause> foreign_kind(const MappedFile& file);
bool is_pickle(const Cause& kind);

// Foreign text as a message can carry it: at most so many bytes, control characters written as \u0000. A zero byte
// would end it.
std::string printable(std::string_view text, size_t most = 200);

}  // namespace anneal
