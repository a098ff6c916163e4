#include "agent/daemon/rise.h"

namespace medic {

bool rose(const SeriesStore& series, const std::vector<LabelMatcher>& which, WallTime from, WallTime to) {
    std::vector<Sample> buffer;
    for (const SeriesId id : series.select(which)) {
        const auto samples = series.range(id, from, to, buffer);
        for (std::size_t i = 1; i < samples.size(); ++i)
            if (samples[i].value > samples[i - 1].value) return true;
    }
    return false;
}

}  // namespace medic
