// A regular expression cut at its outermost `|`: a line holds it where it holds one of the pieces. Most signatures are
// long lists of plain words, and a word needs no automaton. For line_patterns.cc; it judges no syntax: a broken
// expression gives pieces of which at least one is broken.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace medic {

// In order; flags that hold for what follows them ("(?i)a|b") stand before each piece that they reach. An expression
// that quotes ("\Q…\E") is left whole.
[[nodiscard]] std::vector<std::string> alternatives_of(std::string_view pattern);

}  // namespace medic
