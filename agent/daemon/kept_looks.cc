#include "agent/daemon/kept_looks.h"

#include <utility>

namespace medic {
namespace {

// A row for a cluster, not for each subject; so much shorter than unseen_max counts.
constexpr Duration looked_kept_every{30'000};

}  // namespace

std::vector<KeptRow> KeptLooks::take(const std::function<std::string(const Subject&)>& detail) {
    std::vector<KeptRow> rows;
    for (const auto& [subject, there] : std::exchange(dirty_, {}))
        rows.push_back({subject, there ? detail(subject) : std::string()});
    for (auto& [cluster, looked] : looked_) {
        if (looked.at - looked.kept < looked_kept_every) continue;
        looked.kept = looked.at;
        rows.push_back({{cluster, kind_, ""}, std::to_string(looked.at.unix_ms)});
    }
    return rows;
}

}  // namespace medic
