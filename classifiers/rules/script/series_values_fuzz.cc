// Any text as a line of series values ("up{job=\"x\"} 1 2+3x4"): no crash, and never more values than were allowed.
#include <cstdint>
#include <cstdlib>

#include "classifiers/rules/script/series_values.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr std::size_t values_max = 1'000;
    const std::string_view line(reinterpret_cast<const char*>(data), size);
    const auto read = medic::parse_series_line(line, values_max);
    if (read && read->values.size() > values_max) std::abort();
    return 0;
}
