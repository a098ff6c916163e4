// What decides about what is done: the program, the policy and the rules, as one hash. Another hash is a change that
// Policy::rollout lets act somewhere first. medic.yaml is no part of it: it says what is there, not what is done.
#pragma once

#include <string>

#include "agent/base/result.h"

namespace medic {

struct BehaviourParts {
    std::string program;          // Version and revision.
    std::string policy_path;      // "": none.
    std::string rules_directory;  // "": compiled in.
};

// Errors: unavailable and invalid, of a file that can't be read.
[[nodiscard]] Result<std::string> behaviour_of(const BehaviourParts& parts);

}  // namespace medic
