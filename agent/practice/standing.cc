#include "agent/practice/standing.h"

#include <algorithm>

#include "agent/api/json_internal.h"
#include "agent/base/foreign_json_internal.h"

namespace medic::practice {
namespace {

constexpr std::size_t nodes_max = 10'000, items_max = 10'000;

template <class T>
Json or_null(const std::optional<T>& value) {
    return value ? Json(*value) : Json();
}
Json or_null(const std::optional<WallTime>& value) { return value ? Json(value->unix_ms) : Json(); }

std::optional<bool> flag(const Json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_boolean() ? std::optional(found->get<bool>()) : std::nullopt;
}
std::optional<double> number(const Json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_number() ? std::optional(found->get<double>()) : std::nullopt;
}
std::optional<WallTime> moment(const Json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_number_integer() ? std::optional(WallTime{found->get<std::int64_t>()})
                                                               : std::nullopt;
}
std::size_t count(const Json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_number_unsigned() ? found->get<std::size_t>() : 0;
}
// Of a list of objects; what is none is left out.
template <class T, class Read>
std::vector<T> list(const Json& object, const char* key, Read read) {
    std::vector<T> all;
    const auto found = object.find(key);
    if (found == object.end() || !found->is_array()) return all;
    for (const Json& one : *found)
        if (one.is_object() && all.size() < items_max) all.push_back(read(one));
    return all;
}

Json node_json(const NodeStanding& of) {
    return {{"name", of.name},
            {"role", of.role},
            {"zone", of.zone},
            {"spare", of.spare},
            {"up", or_null(of.up)},
            {"stopped", or_null(of.stopped)},
            {"broker", of.broker},
            {"worker", of.worker},
            {"taskmanager", of.taskmanager},
            {"needed_by", or_null(of.needed_by)},
            {"logs_to_recover", or_null(of.logs_to_recover)},
            {"slots", or_null(of.slots)},
            {"slots_free", or_null(of.slots_free)},
            {"silenced", of.silenced}};
}

NodeStanding read_node(const Json& one) {
    NodeStanding node{.name = text_of(one, "name"),
                      .role = text_of(one, "role"),
                      .zone = text_of(one, "zone"),
                      .spare = flag(one, "spare").value_or(false),
                      .up = flag(one, "up"),
                      .stopped = flag(one, "stopped"),
                      .broker = text_of(one, "broker"),
                      .worker = text_of(one, "worker"),
                      .taskmanager = text_of(one, "taskmanager"),
                      .needed_by = {},
                      .logs_to_recover = number(one, "logs_to_recover"),
                      .slots = number(one, "slots"),
                      .slots_free = number(one, "slots_free"),
                      .silenced = text_of(one, "silenced")};
    if (const auto found = one.find("needed_by"); found != one.end() && found->is_string())
        node.needed_by = found->get<std::string>();
    return node;
}

}  // namespace

const NodeStanding* Standing::node(std::string_view wanted) const {
    const auto found = std::ranges::find(nodes, wanted, &NodeStanding::name);
    return found == nodes.end() ? nullptr : &*found;
}

const ModeStanding* Standing::mode(std::string_view cause) const {
    const auto found = std::ranges::find(modes, cause, &ModeStanding::cause);
    return found == modes.end() ? nullptr : &*found;
}

std::string standing_document(const Standing& of) {
    Json nodes = Json::array(), modes = Json::array(), incidents = Json::array(), pauses = Json::array(),
         operations = Json::array();
    for (const NodeStanding& one : of.nodes) nodes.push_back(node_json(one));
    for (const ModeStanding& one : of.modes)
        modes.push_back({{"cause", one.cause}, {"remedy", one.remedy}, {"mode", one.mode}, {"why", one.why}});
    for (const IncidentStanding& one : of.incidents)
        incidents.push_back({{"id", one.id}, {"cause", one.cause}, {"state", one.state}});
    for (const PauseStanding& one : of.pauses)
        pauses.push_back({{"cluster", one.cluster}, {"by", one.by}, {"reason", one.reason}});
    for (const WorkStanding& one : of.operations)
        operations.push_back(
            {{"kind", one.kind}, {"subject_kind", one.subject_kind}, {"subject", one.subject}, {"by", one.by}});
    return dump({{"schema", 1},
                 {"cluster", of.cluster},
                 {"at_ms", of.at.unix_ms},
                 {"reported_at_ms", or_null(of.reported_at)},
                 {"targets", of.targets},
                 {"targets_blind", of.blind},
                 {"tick_lateness_seconds", of.tick_lateness_seconds},
                 {"pause_file", or_null(of.pause_file)},
                 {"pauses", pauses},
                 {"operations_at_ms", or_null(of.operations_at)},
                 {"operations", operations},
                 {"storm_incidents", of.storm_incidents},
                 {"several_agents", of.several_agents},
                 {"acting_problem", of.acting_problem},
                 {"acting_holder", of.acting_holder},
                 {"silences_problem", of.silences_problem},
                 {"incidents", incidents},
                 {"nodes", nodes},
                 {"modes", modes}});
}

Result<Standing> read_standing_document(std::string_view text) {
    const Json body = foreign_json(text);
    if (!body.is_object() || count(body, "schema") != 1 || text_of(body, "cluster").empty())
        return fail(ErrorCode::invalid, "the agent's answer is no standing of a cluster (schema 1)");
    Standing standing{.cluster = text_of(body, "cluster"),
                      .at = moment(body, "at_ms").value_or(WallTime{}),
                      .reported_at = moment(body, "reported_at_ms"),
                      .targets = count(body, "targets"),
                      .blind = count(body, "targets_blind"),
                      .tick_lateness_seconds = number(body, "tick_lateness_seconds").value_or(0),
                      .pause_file = flag(body, "pause_file"),
                      .pauses = {},
                      .operations_at = moment(body, "operations_at_ms"),
                      .operations = {},
                      .storm_incidents = count(body, "storm_incidents"),
                      .several_agents = flag(body, "several_agents").value_or(false),
                      .acting_problem = text_of(body, "acting_problem"),
                      .acting_holder = text_of(body, "acting_holder"),
                      .silences_problem = text_of(body, "silences_problem"),
                      .incidents = {},
                      .nodes = {},
                      .modes = {}};
    standing.pauses = list<PauseStanding>(body, "pauses", [](const Json& one) {
        return PauseStanding{text_of(one, "cluster"), text_of(one, "by"), text_of(one, "reason")};
    });
    standing.operations = list<WorkStanding>(body, "operations", [](const Json& one) {
        return WorkStanding{text_of(one, "kind"), text_of(one, "subject_kind"), text_of(one, "subject"),
                            text_of(one, "by")};
    });
    standing.incidents = list<IncidentStanding>(body, "incidents", [](const Json& one) {
        return IncidentStanding{text_of(one, "id"), text_of(one, "cause"), text_of(one, "state")};
    });
    standing.modes = list<ModeStanding>(body, "modes", [](const Json& one) {
        return ModeStanding{text_of(one, "cause"), text_of(one, "remedy"), text_of(one, "mode"), text_of(one, "why")};
    });
    standing.nodes = list<NodeStanding>(body, "nodes", read_node);
    if (standing.nodes.size() > nodes_max) return fail(ErrorCode::invalid, "more than {} nodes", nodes_max);
    return standing;
}

}  // namespace medic::practice
