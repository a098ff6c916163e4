#include "agent/api/diagnosis_json_internal.h"
#include "agent/api/incident_view.h"

namespace medic {

Json time_json(WallTime at) { return at.unix_ms == 0 ? Json() : Json(rfc3339(at)); }

Json evidence_json(const std::vector<Evidence>& evidence) {
    Json list = Json::array();
    for (const Evidence& one : evidence)
        list.push_back({{"kind", one.kind},
                        {"ref", one.ref},
                        {"text", one.text},
                        {"value", one.value},
                        {"at", time_json(one.at)}});
    return list;
}

Json alternatives_json(const std::vector<Alternative>& alternatives) {
    Json list = Json::array();
    for (const Alternative& one : alternatives)
        list.push_back({{"cause", one.cause},
                        {"side", to_string(one.side)},
                        {"confidence", one.confidence},
                        {"why_not", one.why_not}});
    return list;
}

}  // namespace medic
