// Who answers for what: puts the team that medic.yaml names in place of the role that the catalogue gives ("job team",
// "kafka platform"). Messages are routed by it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "agent/config/config.h"
#include "classifiers/diagnosis/diagnosis.h"

namespace medic {

// The most specific pattern (the longest) wins. A thing's own people (job team, connector team, client team, topic
// owner) are found by the subject and by the job, connector, topic and group that the diagnosis names; every role by
// "owner:ROLE". Without a match the role stays.
void name_owners(const Config& config, std::vector<Diagnosis>& diagnoses);

// Whoever owns the thing itself, whatever the cause: for a person who asks whom to tell while no cause is clear. "":
// nobody is named.
[[nodiscard]] std::string people_of(const Config& config, const Diagnosis& diagnosis);

// What a log or stack trace says it is about: connector, task, job, job_id.
[[nodiscard]] std::map<std::string, std::string> spoken_of(const std::string& text);
// The same as name_owners() for a text alone. It names no cluster: where clusters disagree, the role stays.
[[nodiscard]] std::string owner_of_text(const Config& config, const std::string& role, const std::string& text);

}  // namespace medic
