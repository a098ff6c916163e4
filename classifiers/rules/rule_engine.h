// Evaluates a RuleSet over the store: alerting rules become symptoms, recording rules become series.
// `for` is measured on the monotonic clock, so that a step of wall time neither fires nor forgives; snapshot() carries
// it over a restart. Used by the ingest thread and by rule tests.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/time.h"
#include "agent/store/series.h"
#include "classifiers/rules/rule_set.h"
#include "classifiers/symptom.h"

namespace medic {

struct RuleEngineOptions {
    Duration interval_default{1000};  // Of groups without their own.
    bool ignore_intervals = false;    // Every group at every evaluate(): rule tests.
    std::string cluster_default;      // Of subjects whose labels name no cluster.
    Duration lookback{5 * 60'000};    // Prometheus's default.
    std::size_t alerts_per_rule_max = 10'000;
    Labels external_labels;  // What templates call $externalLabels and $externalURL.
    std::string external_url;
    // Alerts become the series ALERTS and ALERTS_FOR_STATE, as in Prometheus. Done anyway where a rule reads them.
    bool alerts_as_series = false;
    bool closed_windows = false;  // As Prometheus 2 had them: promql::Windows::closed.
};

struct ActiveAlert {
    enum class State : std::uint8_t { pending, firing };
    const Rule* rule = nullptr;
    State state = State::pending;
    Labels labels;  // With alertname and the rule's labels.
    std::map<std::string, std::string> annotations;
    double value = 0;
    WallTime since;  // When the expression began to hold.
    Subject subject;
};

// A rule that can't be evaluated now: its alerts stay as they were, because nothing is known.
struct RuleProblem {
    std::string rule, where, message;
};

struct RuleCost {
    std::uint64_t evaluations = 0;  // Of single rules.
    std::uint64_t samples_read = 0;
};

class RuleEngine {
public:
    explicit RuleEngine(RuleSet rules, RuleEngineOptions options = {});
    ~RuleEngine();
    RuleEngine(const RuleEngine&) = delete;
    RuleEngine& operator=(const RuleEngine&) = delete;

    // Evaluates the groups that are due. Recording rules append to the store (target "rules/FILE/GROUP/NAME").
    std::vector<SymptomChange> evaluate(SeriesStore& store, Now now);

    [[nodiscard]] std::vector<ActiveAlert> alerts() const;  // Pending and firing; rules stay valid with the engine.
    [[nodiscard]] std::vector<Symptom> symptoms() const;    // Those that fire.
    [[nodiscard]] const std::vector<RuleProblem>& problems() const;
    [[nodiscard]] RuleCost cost() const;
    [[nodiscard]] const RuleSet& rules() const;

    // `for` timers and firing alerts, as text; restore() before the first evaluate(). Lines of rules that no longer
    // exist are left out.
    [[nodiscard]] std::string snapshot(Now now) const;
    void restore(std::string_view snapshot, Now now);

private:
    struct State;
    std::unique_ptr<State> state_;
};

// Who a result is about: the annotation medic_subject ("kind/name"), or the most specific label that we know.
[[nodiscard]] Subject subject_of(const Labels& labels, std::string_view medic_subject,
                                 std::string_view cluster_default);

}  // namespace medic
