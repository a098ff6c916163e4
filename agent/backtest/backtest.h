// The real diagnosis and the real loop over recorded history, in simulated time. In shadow: the loop runs under a
// policy that only observes, nobody is asked anything but the Prometheus, nothing is written. What the policy would
// have allowed is told beside it.
//
// Not known here, and therefore a reason for guards to refuse: whatever Prometheus does not record (exceptions, logs,
// who else works on the cluster, ids, paths).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/backtest/alerts.h"
#include "agent/backtest/cases.h"
#include "agent/backtest/history.h"
#include "agent/config/config.h"
#include "remediations/guards/policy.h"

namespace medic::backtest {

struct Options {
    Config config;  // Clusters whose `prometheus.url` is set are read; their nodes and owners are used.
    Policy policy;  // For what would have been allowed.
    std::string rules_directory;
    WallTime from, to;
    Duration step{30'000};
    // Read before `from`, so that rates and habits are known there; incidents that end in it are not told.
    Duration warm_up{10 * 60'000};
    std::optional<std::vector<SeenAlert>> alerts;
};

// A symptom rule or an analyzer that could say nothing in all the time.
struct Unheard {
    std::string name;
    enum class Kind : std::uint8_t { rule, analyzer } kind = Kind::rule;
    std::vector<std::string> missing;  // Series that nobody has recorded.
};

struct Gap {
    WallTime from, to;
};

struct Outcome {
    WallTime from, to;
    Duration step{0};
    std::size_t moments = 0, moments_seen = 0;  // Of the stretch; without any sample nobody was looking.
    std::vector<Gap> gaps;                      // The longest stretches of those, at most gaps_max.
    std::size_t queries = 0, series_refused = 0, incidents_dropped = 0;
    std::vector<std::string> warnings;  // Of the server: answers that were not whole.
    std::vector<Case> cases;
    std::size_t rules = 0, analyzers = 0;
    std::vector<Unheard> unheard;
    std::optional<Comparison> comparison;

    // problem: an incident. cannot_tell: none, and not all was seen. Only quiet where somebody looked all the time.
    enum class Verdict : std::uint8_t { quiet, problem, cannot_tell };
    [[nodiscard]] Verdict verdict() const;
};
inline constexpr std::size_t gaps_max = 20;

struct Progress {
    WallTime at;
    double share = 0;  // 0…1
    std::size_t incidents = 0;
};

// invalid: the options can't be meant, whatever the server would say. run() begins with it.
[[nodiscard]] Status check(const Options& options);

// Errors: invalid (options, no query API there), unavailable.
[[nodiscard]] Result<Outcome> run(
    const Options& options,
    const std::function<Result<HttpAnswer>(const std::string& cluster, const std::string&)>& get,
    const std::function<void(const Progress&)>& progress = {});

[[nodiscard]] std::string text_of(const Outcome& outcome);
[[nodiscard]] std::string json_of(const Outcome& outcome);

}  // namespace medic::backtest
