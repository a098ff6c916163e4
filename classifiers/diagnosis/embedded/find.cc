#include <algorithm>

#include "classifiers/diagnosis/embedded/embedded.h"

namespace medic {

std::string_view embedded_rule_file(std::string_view path) {
    const auto files = embedded_rule_files();
    const auto found = std::ranges::find(files, path, &EmbeddedFile::path);
    return found == files.end() ? std::string_view{} : found->text;
}

}  // namespace medic
