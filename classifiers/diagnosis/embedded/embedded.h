// The files of rules/ as they were when this program was built. `--rules DIR` replaces them; nothing else reads rules/.
#pragma once

#include <span>
#include <string_view>

#include "agent/base/embedded.h"

namespace medic {

// Sorted by path.
[[nodiscard]] std::span<const EmbeddedFile> embedded_rule_files();

// One file's text; "" when there is none of that path.
[[nodiscard]] std::string_view embedded_rule_file(std::string_view path);

}  // namespace medic
