// Which objects steps reach, by the names that policies and managed_by have for them: KIND:NAME ("job:billing"). What
// may be done to them is said elsewhere.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "remediations/planning/plan.h"

namespace medic {

[[nodiscard]] std::string policy_object(const Subject& subject);
[[nodiscard]] std::string_view object_kind(std::string_view object);  // "job" of "job:billing".

struct ReachedObject {
    std::string object{};
    bool defines = false;  // Its definition changes, and not only what runs of it.
};
// By the first of `from`: what it leaves behind depends on those that follow.
[[nodiscard]] std::vector<ReachedObject> reached_objects(std::span<const Step> from);
[[nodiscard]] const std::string& reached_job(const Step& step);  // Of one that acts on a job: its name.

// What it changes or asks about.
[[nodiscard]] std::vector<std::string> changed_objects(const Step& step);
// And what feels it: the job that waits for a node, the groups whose members go, the node that a task runs on.
[[nodiscard]] std::vector<std::string> touched_objects(const Step& step);
// The one that stands for a step where a policy has to name it: as the remedy says, else what it changes first, else
// what its plan changes first, else what the plan is about.
[[nodiscard]] std::string object_of(const Step& step, const Plan& plan);

}  // namespace medic
