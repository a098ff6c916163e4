// Any bytes as an Alertmanager webhook: no crash, and every accepted alert has what makes it idempotent.
#include <cstdint>
#include <cstdlib>

#include "agent/api/api.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view body(reinterpret_cast<const char*>(data), size);
    const auto alerts = medic::read_alertmanager(body, {"lab", "other"});
    if (!alerts) return 0;
    for (const auto& alert : *alerts)
        if (alert.fingerprint.empty()) std::abort();
    return 0;
}
