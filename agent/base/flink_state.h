// Names of Flink's job states (org.apache.flink.api.common.JobStatus), where more than one room must agree on them.
#pragma once

#include <string_view>

namespace medic {

// Globally terminal: nothing more happens to the job. SUSPENDED is not: another job manager may take it up.
[[nodiscard]] inline bool is_terminal_job_state(std::string_view state) {
    return state == "FINISHED" || state == "CANCELED" || state == "FAILED";
}

}  // namespace medic
