#include "agent/base/token_line.h"

#include <sstream>

namespace medic {

TokenLine read_token_line(std::string_view line) {
    std::istringstream words{std::string(line.substr(0, line.find('#')))};
    TokenLine read;
    words >> read.name >> read.token >> read.more;
    return read;
}

}  // namespace medic
