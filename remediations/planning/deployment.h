// A deployment that a person asks for, as its parts know it: the loop makes its diagnosis, the remedy reads it.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "classifiers/diagnosis/diagnosis.h"

namespace medic {

inline constexpr std::string_view deploy_cause = "operator.deploy";

// The doubts of deployment_doubts that the person has accepted with the request: the fact "accept", "state,slots".
[[nodiscard]] std::set<std::string> accepted_doubts(const Diagnosis& wish);

}  // namespace medic
