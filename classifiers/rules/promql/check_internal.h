// Types of expressions: what each node gives, and whether its parts fit. Only for the parser.
#pragma once

#include <optional>

#include "classifiers/rules/promql/parser.h"

namespace medic::promql {

// Sets node.type from its children, which are checked already. An error says where and what was expected.
[[nodiscard]] std::optional<ParseError> check_node(Node& node);

// The value in seconds of arithmetic on numbers and durations, as in [2 * 5m]; nullopt when it hangs on the query
// (step(), range()). `problem` gets what does not belong into a duration.
[[nodiscard]] std::optional<double> constant_duration(const Node& node, std::optional<ParseError>& problem);

}  // namespace medic::promql
