#include <algorithm>
#include <iterator>

#include "classifiers/analyzers/analyzer.h"

namespace medic::analyzers {
namespace {

bool tells(const std::vector<Finding>& findings, const Finding& one) {
    return std::ranges::any_of(
        findings, [&](const Finding& other) { return other.id == one.id && other.subject == one.subject; });
}

std::vector<Finding> ask(const Analyzer& analyzer, const std::vector<Finding>& before, const View& view,
                         const Now& now) {
    std::vector<Finding> found = analyzer.run(view, now);
    if (std::ranges::all_of(before, [&](const Finding& one) { return tells(found, one); })) return found;
    View patient = view;
    patient.fresh_within = AnalyzerSchedule::stands_for;
    for (Finding& one : analyzer.run(patient, now))
        if (tells(before, one) && !tells(found, one)) found.push_back(std::move(one));
    return found;
}

}  // namespace

AnalyzerSchedule::AnalyzerSchedule() {
    for (auto& analyzer : all_analyzers()) turns_.push_back({.analyzer = analyzer, .asked = {}, .found = {}});
}

std::vector<Finding> AnalyzerSchedule::analyze(const View& view, const Now& now) {
    std::vector<Finding> all;
    for (Turn& turn : turns_) {
        if (!turn.asked || now.monotonic - *turn.asked >= turn.analyzer.every) {
            turn.found = ask(turn.analyzer, turn.found, view, now);
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
