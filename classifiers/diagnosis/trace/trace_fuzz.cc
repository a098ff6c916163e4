// Any bytes: no crash, bounded output, views inside the text.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "classifiers/diagnosis/trace/trace.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    const medic::TraceLimits limits{.failures_max = 8, .throwables_max = 8, .frames_max = 16, .prose_lines_max = 64};
    const auto read = medic::read_failures(text, {.component = medic::Component::flink}, limits);
    if (read.failures.size() > limits.failures_max || read.prose.size() > limits.prose_lines_max) std::abort();
    for (const auto& failure : read.failures) {
        if (failure.chain.empty() || failure.chain.size() > limits.throwables_max) std::abort();
        if (medic::one_line(failure).size() > 64 * 1024) std::abort();
    }
    return 0;
}
