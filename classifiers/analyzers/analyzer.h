// What an analyzer is: a pure function from a View to findings, for what a rule can't say. It names no cause and no
// remedy. One folder each, holding FOLDER.cc with `Analyzer medic::analyzers::FOLDER::descriptor()`; the registry is
// generated. Called by agent/daemon on the ingest thread after each evaluation, and by tests.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "agent/base/time.h"
#include "agent/store/fact.h"
#include "classifiers/view.h"

namespace medic::analyzers {

struct Analyzer {
    std::string_view name;
    std::string_view summary;                // One line for `medic doctor` and the docs.
    std::vector<std::string_view> findings;  // Ids it may give: what causes may refer to.
    std::vector<Finding> (*run)(const View& view, const Now& now) = nullptr;
    // Which series must be there for any finding, as a PromQL expression of `and` and `or`: `medic doctor` says what
    // can't be seen without them. "" = none.
    std::string_view needs = {};
    // How often it is asked, where its answer changes slowly and costs much history; between, its last one holds.
    Duration every{0};
    // What it would know sooner than it is looked at, since something may be wrong: facts of pages that are read
    // seldom.
    std::vector<FactKey> (*doubts)(const View& view, const Now& now) = nullptr;
};

// Sorted by folder name.
[[nodiscard]] std::vector<Analyzer> all_analyzers();

// Runs them all; findings in the analyzers' order.
[[nodiscard]] std::vector<Finding> analyze(const View& view, const Now& now);

// The same at every evaluation of a running agent: each analyzer at its own pace. What it has told stands as long as
// only looks are missing, not their evidence: what was seen up to `stands_for` ago then counts for it. One thread.
class AnalyzerSchedule {
public:
    AnalyzerSchedule();
    [[nodiscard]] std::vector<Finding> analyze(const View& view, const Now& now);
    // Asked every `doubts_every`; in between there are none.
    [[nodiscard]] std::vector<FactKey> doubts(const View& view, const Now& now);
    static constexpr Duration doubts_every{5'000}, stands_for{45'000};

private:
    struct Turn {
        Analyzer analyzer;
        std::optional<Instant> asked;
        std::vector<Finding> found;
    };
    std::vector<Turn> turns_;
    std::optional<Instant> doubted_;
};

}  // namespace medic::analyzers
