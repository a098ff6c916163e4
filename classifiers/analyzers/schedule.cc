#include <algorithm>
#include <iterator>

#include "classifiers/analyzers/analyzer.h"

namespace medic::analyzers {

AnalyzerSchedule::AnalyzerSchedule() {
    for (auto& analyzer : all_analyzers()) turns_.push_back({.analyzer = analyzer, .asked = {}, .found = {}});
}

std::vector<Finding> AnalyzerSchedule::analyze(const View& view, const Now& now) {
    std::vector<Finding> all;
    for (Turn& turn : turns_) {
        if (!turn.asked || now.monotonic - *turn.asked >= turn.analyzer.every) {
            turn.found = turn.analyzer.run(view, now);
            turn.asked = now.monotonic;
        }
        all.insert(all.end(), turn.found.begin(), turn.found.end());
    }
    return all;
}

std::vector<FactKey> AnalyzerSchedule::doubts(const View& view, const Now& now) {
    std::vector<FactKey> all;
    if (doubted_ && now.monotonic - *doubted_ < doubts_every) return all;
    doubted_ = now.monotonic;
    for (const Turn& turn : turns_)
        if (turn.analyzer.doubts != nullptr)
            std::ranges::move(turn.analyzer.doubts(view, now), std::back_inserter(all));
    return all;
}

}  // namespace medic::analyzers
