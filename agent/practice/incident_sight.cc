#include "agent/practice/incident_sight.h"

#include <algorithm>
#include <charconv>

#include "agent/api/json_internal.h"
#include "agent/base/foreign_json_internal.h"

namespace medic::practice {
namespace {

constexpr std::size_t incidents_max = 10'000;

bool is_set(const Json& incident, const char* key) {
    const auto found = incident.find(key);
    return found != incident.end() && !found->is_null() && !(found->is_string() && found->get<std::string>().empty());
}

IncidentSight sight_of(const Json& incident) {
    const Json diagnosis = incident.value("diagnosis", Json::object());
    const Json subject = diagnosis.is_object() ? diagnosis.value("subject", Json::object()) : Json::object();
    const Json plan = incident.value("plan", Json());
    IncidentSight one{.id = text_of(incident, "id"),
                      .number = 0,
                      .cluster = text_of(incident, "cluster"),
                      .state = text_of(incident, "state"),
                      .outcome = text_of(incident, "outcome"),
                      .waiting_for = text_of(incident, "waiting_for"),
                      .cause = text_of(diagnosis, "cause"),
                      .side = text_of(diagnosis, "side"),
                      .subject = text_of(subject, "kind") + "/" + text_of(subject, "name"),
                      .summary = text_of(diagnosis, "summary"),
                      .plan = text_of(plan, "summary"),
                      .plan_remedy = text_of(plan, "remedy"),
                      .acted = is_set(incident, "acted_at"),
                      .healed = is_set(incident, "healed_at"),
                      .story = {}};
    if (!one.id.empty()) std::from_chars(one.id.data() + 1, one.id.data() + one.id.size(), one.number);
    for (const Json& line : incident.value("story", Json::array()))
        one.story.push_back({text_of(line, "at"), text_of(line, "text")});
    return one;
}

}  // namespace

bool IncidentSight::at_work() const {
    return acted && !over() && state != "escalated" && state != "observing" && state != "waiting_approval";
}

Result<std::vector<IncidentSight>> read_incidents(std::string_view text) {
    const Json body = foreign_json(text);
    const auto found = body.is_object() ? body.find("incidents") : body.end();
    if (!body.is_object() || found == body.end() || !found->is_array())
        return fail(ErrorCode::invalid, "the agent's answer is no list of incidents");
    std::vector<IncidentSight> all;
    for (const Json& incident : *found)
        if (incident.is_object() && all.size() < incidents_max) all.push_back(sight_of(incident));
    return all;
}

std::vector<IncidentSight> caused_since(std::vector<IncidentSight> all, const std::string& cluster, int newest_before) {
    std::erase_if(all, [&](const IncidentSight& one) {
        return one.number <= newest_before || one.cluster != cluster || one.cause.starts_with("operator.");
    });
    std::ranges::sort(all, {}, &IncidentSight::number);
    return all;
}

}  // namespace medic::practice
