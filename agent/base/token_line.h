// One line of a token file (api.token_file), NAME TOKEN; # begins a comment. For whoever reads such a file: who may
// act, and what must be struck from texts.
#pragma once

#include <string>
#include <string_view>

namespace medic {

struct TokenLine {
    std::string name, token;  // "": it is not there.
    std::string more;         // A third word: then the line is wrong.
};

[[nodiscard]] TokenLine read_token_line(std::string_view line);

}  // namespace medic
