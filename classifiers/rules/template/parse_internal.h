// Text to tree. Only for this folder.
#pragma once

#include "classifiers/rules/template/tree_internal.h"

namespace medic::templates {

struct ParseFailure {
    std::string message;
};

// Throws ParseFailure.
[[nodiscard]] std::vector<Node> parse(std::string_view text, std::size_t depth_max);

}  // namespace medic::templates
