// A text file that was compiled into the program (cmake/embed.cmake): rules, causes, signatures, canonical names.
#pragma once

#include <string_view>

namespace medic {

struct EmbeddedFile {
    std::string_view path;  // Relative to the source folder: "rules/canonical/kafka.yaml".
    std::string_view text;
};

}  // namespace medic
