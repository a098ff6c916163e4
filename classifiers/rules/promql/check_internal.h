// Types of expressions: what each node gives, and whether its parts fit. Only for the parser.
#pragma once

#include <optional>

#include "classifiers/rules/promql/parser.h"

namespace medic::promql {

// Sets node.type from its children, which are checked already. An error says where and what was expected.
[[nodiscard]] std::optional<ParseError> check_node(Node& node);

}  // namespace medic::promql
