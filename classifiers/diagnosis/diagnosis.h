// A diagnosis: root cause, side, owner, subject, confidence and evidence — or an abstention that says what is missing.
// Made by classifiers/diagnosis, read by planning, the API and people. It can't cure itself: it knows no remedy's code.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "classifiers/symptom.h"

namespace medic {

enum class Side : std::uint8_t { user, system, unknown };
[[nodiscard]] std::string_view to_string(Side side);

struct Alternative {
    std::string cause;
    Side side = Side::unknown;
    double confidence = 0;
    std::string why_not;  // What tells it apart, or what evidence is missing for it.
};

struct Diagnosis {
    std::string cause;  // Stable id: flink.taskmanager-lost; "" for an abstention.
    std::string cause_group;
    Side side = Side::unknown;
    std::string owner;  // job team, connector team, flink platform, kafka platform, dependency:NAME
    Subject subject;
    WallTime since;         // First evidence of the episode.
    double confidence = 0;  // 0…1, calibrated.
    std::string summary;    // One sentence for a person.
    std::vector<Evidence> evidence;
    std::vector<Alternative> alternatives;
    std::vector<std::string> effects;   // Symptoms and subjects that this cause explains.
    std::vector<std::string> missing;   // What was not visible and would have told.
    std::vector<std::string> remedies;  // Names from the catalogue, in order; planning decides.
    std::map<std::string, std::string>
        facts;  // Parameters that remedies read: topic, taskmanager, node, version, log_dir, …
    [[nodiscard]] bool abstains() const { return cause.empty(); }
};

}  // namespace medic
