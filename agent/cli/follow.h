// Asks the running agent for something that takes a while and follows it to its end: its incident's story, line by
// line.
#pragma once

#include <string>

#include "agent/cli/api_client_internal.h"

namespace medic::cli {

struct Request {
    AgentAddress agent;
    std::string cause, remedy;     // "operator.roll", "node.roll".
    std::string cluster, subject;  // "": any; the name of the incident's subject.
    std::string called;            // "roll"
    std::string path, body;        // What is posted to the agent.
};

// Asks for it, and follows it where `waits`. Nothing is asked for where the incidents before it are not known: an
// earlier one would be taken for this one. The exit code: done (or taken), or it waits for a person, or the policy only
// observes. Ctrl-C leaves it running.
[[nodiscard]] int ask_and_follow(const Request& request, bool waits);

}  // namespace medic::cli
