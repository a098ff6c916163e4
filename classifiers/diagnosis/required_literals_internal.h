// What a pattern cannot match without: clauses of literals, of each of which at least one must be in the line. A
// regular expression's own filter is asked for it once, when the pattern is built, so that a line costs a few looks at
// bits instead of a walk through a tree of all patterns. The clauses may let a line through that the filter would not,
// never the other way round. For line_patterns.cc.
#pragma once

#include <string>
#include <vector>

#include <re2/filtered_re2.h>

namespace medic {

// `pattern` holds one pattern and was compiled; `atoms` are what its Compile() gave. Numbers are positions in `atoms`.
// Nothing: it may match a line that holds none of them.
[[nodiscard]] std::vector<std::vector<int>> required_literals(const re2::FilteredRE2& pattern,
                                                              const std::vector<std::string>& atoms);

}  // namespace medic
