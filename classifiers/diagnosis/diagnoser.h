// From observations to root causes: weighs findings, symptoms, traces and events of related subjects together, lets a
// cause explain its effects away across the topology, and abstains where nothing speaks clearly. Called by agent/daemon
// on the ingest thread after each evaluation, and by `medic diagnose`. Names remedies, runs none.
#pragma once

#include <memory>
#include <vector>

#include "agent/base/time.h"
#include "classifiers/diagnosis/catalogue.h"
#include "classifiers/diagnosis/classifier.h"
#include "classifiers/diagnosis/diagnosis.h"
#include "classifiers/view.h"

namespace medic {

struct DiagnoserOptions {
    double confidence_min = 0.5;           // Below this a cause is only an alternative.
    Duration change_suspect{15 * 60'000};  // A deployment or configuration change this shortly before is a clue.
    std::size_t diagnoses_max = 200;
    std::size_t traces_remembered_max = 512;  // Scores of traces already read.
    // Once a cause is healed its effects take a while to go: an exception is told for a minute after the last one
    // (analyzers/first_failure). For so long they are no trouble of their own, unless they began anew.
    Duration effect_outlives_cause{90'000};
    // What is usually an effect may be seen before its cause: an exception at once, the process at the next look (5 s).
    Duration effect_waits_for_cause{10'000};
    std::size_t effects_remembered_max = 1'024;
};

class Diagnoser {
public:
    explicit Diagnoser(Catalogue catalogue, DiagnoserOptions options = {});
    ~Diagnoser();
    Diagnoser(Diagnoser&&) noexcept;
    Diagnoser& operator=(Diagnoser&&) noexcept;

    // Every cause that holds now, most confident first; then abstentions. `view.findings` come from
    // analyzers::analyze().
    [[nodiscard]] std::vector<Diagnosis> diagnose(const View& view, const Now& now);
    [[nodiscard]] const Classifier& classifier() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace medic
