// What can't be seen from here: for each canonical series that nothing tells, why not, which line mends it, and which
// symptoms and causes stay hidden meanwhile. All of it follows from the rules' own data and from one look: a new rule,
// cause or analyzer is covered by itself.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agent/discovery/look_once.h"
#include "classifiers/analyzers/analyzer.h"
#include "classifiers/diagnosis/catalogue.h"
#include "classifiers/rules/rule_set.h"

namespace medic::doctor {

// The knowledge that is asked what it needs.
struct Knowing {
    RuleSet rules;
    Catalogue catalogue;
    std::vector<analyzers::Analyzer> analyzers;
};
// The one compiled into the program.
[[nodiscard]] Result<Knowing> built_in_knowledge();

struct Hidden {
    std::string id;       // flink.taskmanager-lost, KafkaBrokerDown
    std::string words;    // In the user's words.
    bool weaker = false;  // It can still be seen, but what would decide it can't.
    bool operator==(const Hidden&) const = default;
};

struct DarkSpot {
    std::string reason;             // "the metric page of broker 2 is not read"
    std::vector<std::string> mend;  // Lines as they stand in the file, after one that names the file and the place.
    std::vector<std::string> series;
    std::vector<Hidden> hides;  // Nothing: no rule needs the series yet.
};

struct Sight {
    std::size_t series = 0, series_told = 0;
    std::size_t causes = 0, causes_seen = 0;  // Seen: at least one clue that brings it up can be seen.
    std::vector<DarkSpot> dark;               // What hides most comes first.
};

[[nodiscard]] Sight sight_of(const ClusterConfig& cluster, const discovery::ClusterLook& look, const Knowing& knowing);

// --- For sight_of() and its tests
// --------------------------------------------------------------------------------------- Whether an expression can
// give a result when `told` says which series there are (`role`: of process_* series; "" = any). `or` needs one side,
// `unless` its left one, everything else all. Blind series end up in `missing`.
using Told = std::function<bool(const std::string& series, const std::string& role)>;
[[nodiscard]] bool can_be_seen(std::string_view expression, const Told& told, const RuleSet& rules,
                               std::set<std::string>& missing);

// "{{ $labels.topic }} lacks replicas" → "TOPIC lacks replicas".
[[nodiscard]] std::string without_templates(std::string_view text);
[[nodiscard]] std::string first_sentence(std::string_view text);

// Whose page a series comes from: kafka-broker, connect-worker, flink-jobmanager, flink-taskmanager, host; "" = any.
[[nodiscard]] std::string page_kind_of(std::string_view page_series);

}  // namespace medic::doctor
