// Who answers for what: puts the team that medic.yaml names in place of the role that the catalogue gives ("job team",
// "kafka platform"). Messages are routed by it.
#pragma once

#include <vector>

#include "agent/config/config.h"
#include "classifiers/diagnosis/diagnosis.h"

namespace medic {

// The most specific pattern (the longest) wins. A thing's own people (job team, connector team, client team, topic
// owner) are found by the subject and by the job, connector, topic and group that the diagnosis names; every role by
// "owner:ROLE". Without a match the role stays.
void name_owners(const Config& config, std::vector<Diagnosis>& diagnoses);

}  // namespace medic
