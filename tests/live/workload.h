// What keeps the real products busy: orders into the topic `orders`, and lines into the file that the file source
// reads. One process, `medic-live workload`; runs until SIGTERM.
#pragma once

#include <string>
#include <vector>

#include "agent/base/result.h"

namespace medic::live {

struct WorkloadOptions {
    std::vector<std::string> bootstrap;
    double records_per_second = 100;
    std::string file;  // Gets a tenth as many lines.
};

[[nodiscard]] Status run_workload(const WorkloadOptions& options);

}  // namespace medic::live
