// Follows what a person has asked the running agent for, to its end: its incident's story, line by line.
#pragma once

#include <string>

#include "agent/cli/api_client_internal.h"

namespace medic::cli {

struct Request {
    AgentAddress agent;
    std::string cause, remedy;     // "operator.roll", "node.roll".
    std::string cluster, subject;  // "": any; the name of the incident's subject.
    std::string called;            // "roll"
    int newest_before = 0;         // newest_incident() before it was asked for.
};

// The number of the agent's newest incident; 0: none. Without it an earlier request would be taken for this one.
[[nodiscard]] Result<int> newest_incident(const AgentAddress& agent);

// The exit code: done, or it waits for a person, or the policy only observes. Ctrl-C leaves it running.
[[nodiscard]] int follow(const Request& request);

}  // namespace medic::cli
