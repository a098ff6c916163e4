// States as series: 1 for the present one. When a state changes, the one before is told as 0 at once,
// so that a look that stays partial (and so marks nothing stale) never leaves two states at 1.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "agent/collectors/observation.h"

namespace medic {

class StateMemory {
public:
    // `key` names whose state it is; `labels` hold the state and all else that may change with it (worker, task
    // manager).
    void tell(Observation& observation, const std::string& key, std::string_view series,
              std::vector<LabelPair> labels) {
        if (const auto known = before_.find(key); known != before_.end() && known->second != labels)
            observation.sample(series, known->second, 0);
        observation.sample(series, labels, 1);
        if (now_.size() < entries_max) now_[key] = std::move(labels);
    }
    // At the end of a look. After a partial one, what was not told is kept: it may only have been invisible.
    void turn(bool complete) {
        if (!complete) now_.merge(before_);
        before_ = std::exchange(now_, {});
    }

private:
    static constexpr std::size_t entries_max = 100'000;
    std::map<std::string, std::vector<LabelPair>> before_, now_;
};

}  // namespace medic
