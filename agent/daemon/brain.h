// From knowledge to diagnoses: rules, analyzers and diagnosis, in this order, on the ingest thread.
// It keeps nothing but the rules' own timers, and changes nothing outside.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/daemon/knowledge.h"
#include "agent/loop/input.h"
#include "classifiers/analyzers/analyzer.h"
#include "classifiers/diagnosis/diagnoser.h"
#include "classifiers/rules/rule_engine.h"

namespace medic {

struct BrainOptions {
    std::string rules_directory;        // "" = the rules compiled into the program.
    std::vector<std::string> remedies;  // Names that causes may refer to; empty: not checked.
    std::string cluster_default;        // Of symptoms whose labels name no cluster.
    Duration interval{1'000};           // Of rule groups without their own.
    Duration planned_grace{5 * 60'000};
    DiagnoserOptions diagnoser;
};

// As medic.yaml says. `rules_directory`: as above.
[[nodiscard]] BrainOptions brain_options_of(const Config& config, const std::string& rules_directory);

class Brain {
public:
    [[nodiscard]] static Result<std::unique_ptr<Brain>> make(const BrainOptions& options);

    [[nodiscard]] DiagnosisReport evaluate(Knowledge& knowledge, const Now& now);
    // What the analyzers would know sooner, at the last evaluation.
    [[nodiscard]] const std::vector<FactKey>& doubts() const { return doubts_; }
    [[nodiscard]] const RuleEngine& rules() const { return *rules_; }
    [[nodiscard]] const Catalogue& catalogue() const { return diagnoser_.classifier().catalogue(); }

private:
    Brain(std::unique_ptr<RuleEngine> rules, Diagnoser diagnoser, Duration planned_grace)
        : rules_(std::move(rules)), diagnoser_(std::move(diagnoser)), planned_grace_(planned_grace) {}
    std::unique_ptr<RuleEngine> rules_;
    analyzers::AnalyzerSchedule analyzers_;
    std::vector<FactKey> doubts_;
    Diagnoser diagnoser_;
    Duration planned_grace_;
};

}  // namespace medic
