// lab.json: which processes of a lab run, as which pid. The file is the lab's only state; every change holds a file
// lock, because the agent's node driver commands and the person at the lab may come at the same time.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "agent/base/result.h"
#include "engine/common/process.h"
#include "engine/lab/plan.h"

namespace medic::engine::lab {

enum class Standing : std::uint8_t { stopped, running, spare };
[[nodiscard]] std::string to_string(Standing standing);

struct ProcessState {
    ProcessId id;
    Standing standing = Standing::stopped;  // As it was last started; look at the process itself for whether it lives.
};

struct LabState {
    LabPlan plan;
    std::map<std::string, ProcessState> processes;  // By name.
    bool closing = false;                           // down() has begun: nothing is started any more.
};

[[nodiscard]] std::string state_path(const std::string& data_dir);
// Errors: not_ready (no lab there), invalid (a file that is not ours).
[[nodiscard]] Result<LabState> load_state(const std::string& data_dir);
// Loads, changes and saves under the lock. The change's error leaves the file as it was.
[[nodiscard]] Status update_state(const std::string& data_dir, const std::function<Status(LabState&)>& change);
[[nodiscard]] Status save_new_state(const LabState& state);

}  // namespace medic::engine::lab
