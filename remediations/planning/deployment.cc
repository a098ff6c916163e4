#include "remediations/planning/deployment.h"

#include <algorithm>

namespace medic {

std::set<std::string> accepted_doubts(const Diagnosis& wish) {
    std::set<std::string> all;
    const auto given = wish.facts.find("accept");
    if (given == wish.facts.end()) return all;
    std::string_view rest = given->second;
    while (!rest.empty()) {
        const auto end = std::min(rest.find(','), rest.size());
        if (end > 0) all.emplace(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return all;
}

}  // namespace medic
