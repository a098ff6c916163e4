#include "agent/base/subject.h"

namespace medic {

std::string to_string(const Subject& subject) { return subject.cluster + ":" + subject.kind + "/" + subject.name; }

Subject subject_of(std::string_view text) {
    const auto colon = text.find(':');
    if (colon == std::string_view::npos) return parse_subject("", text);
    return parse_subject(text.substr(0, colon), text.substr(colon + 1));
}

Subject parse_subject(std::string_view cluster, std::string_view text) {
    const auto slash = text.find('/');
    if (slash == std::string_view::npos || slash == 0 || slash + 1 == text.size()) return {};
    return {std::string(cluster), std::string(text.substr(0, slash)), std::string(text.substr(slash + 1))};
}

}  // namespace medic
