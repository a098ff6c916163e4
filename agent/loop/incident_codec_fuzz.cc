// Any bytes as the detail of an incident's row: no crash, and what is accepted is written and read again to the same
// text.
#include <cstdint>
#include <cstdlib>

#include "agent/loop/incident_codec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    medic::IncidentRow row;
    row.id = "lab-1";
    row.cluster = "lab";
    row.detail.assign(reinterpret_cast<const char*>(data), size);
    const auto incident = medic::from_row(row);
    if (!incident) return 0;
    const auto written = medic::to_row(*incident);
    const auto again = medic::from_row(written);
    if (!again || medic::to_row(*again).detail != written.detail) std::abort();
    return 0;
}
