// What the remedies for a filling log directory share.
#pragma once

#include "remediations/remedies/parts.h"

namespace medic::remedies {

constexpr double free_share_wanted = 0.25;  // Below the 80 % at which it was acted upon, with room to spare.

struct LogDir {
    Subject subject;                 // log-dir/2:/data
    std::string broker, path, node;  // node may be "".
    double total_bytes = 0, usable_bytes = 0;
};

[[nodiscard]] std::vector<FactKey> log_dir_facts(const Diagnosis& diagnosis);
// not_ready when its size is not known.
[[nodiscard]] Result<LogDir> log_dir(const Diagnosis& diagnosis, const PlanningView& view);

}  // namespace medic::remedies
