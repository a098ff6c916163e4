#include <algorithm>

#include <nlohmann/json.hpp>

#include "agent/base/connector_settings.h"
#include "remediations/remedies/connector_change.h"

// Somebody changed a connector's settings and since then it fails: what was changed is changed back to how it last
// worked (agent/daemon/settings_memory says how that was), everything else stays as it stands at that moment. The agent
// keeps no secret, so a change of one is a person's to take back. The settings that failed are kept in quarantine: when
// they come again, a person decides.
namespace medic::remedies::connect_roll_back_configuration {
namespace {

using Json = nlohmann::json;

// "Less than so long before the first fault" makes a change the first suspect; settings that lasted longer have become
// good ones themselves (next_good_after).
constexpr Duration suspect_for{5 * 60'000};
// A change is told at the look after it.
constexpr Duration look_skew{5'000};
using Settings = ConnectorValues;

struct Change {
    std::string from, to;
    Settings back, forth;
    std::size_t changes = 0;
    WallTime changed_at;
    bool worked = false, withheld_known = false;
    std::vector<std::string> withheld;
};

FactKey change_of(const Subject& connector) { return {connector, "settings_change"}; }

Subject connector_in(const Diagnosis& diagnosis) {
    return subject_in(diagnosis, "connector", parameter(diagnosis, "connector").value_or(""));
}

std::vector<FactKey> needs(const Diagnosis& diagnosis, const PlanningView&) {
    const Subject connector = connector_in(diagnosis);
    return {configuration_of(connector), change_of(connector)};
}

Settings settings_of(const Json& object) {
    Settings all;
    for (const auto& [name, value] : object.items())
        all[name] = value.is_null() ? std::nullopt : std::optional(value.get<std::string>());
    return all;
}

Result<Change> read(const std::string& text, const std::string& connector) {
    try {
        const Json told = Json::parse(text);
        return Change{.from = told.at("from").get<std::string>(),
                      .to = told.at("to").get<std::string>(),
                      .back = settings_of(told.at("back")),
                      .forth = settings_of(told.at("forth")),
                      .changes = told.at("changes").get<std::size_t>(),
                      .changed_at = {told.at("changed_at").get<std::int64_t>()},
                      .worked = told.at("worked").get<bool>(),
                      .withheld_known = told.at("withheld_known").get<bool>(),
                      .withheld = told.at("withheld").get<std::vector<std::string>>()};
    } catch (const Json::exception&) {
        return fail(ErrorCode::internal, "what was changed of connector {} can't be read", connector);
    }
}

// The change that is known, where it may be what the connector fails of.
Result<Change> suspect(const Diagnosis& diagnosis, const PlanningView& view, const Subject& connector) {
    if (view.fact(configuration_of(connector)) == nullptr)
        return fail(ErrorCode::not_ready, "the settings of connector {} are not known", connector.name);
    const std::string told_change = told(view, change_of(connector));
    if (told_change == "unknown")
        return fail(ErrorCode::invalid, "connector {} has not been seen to work: there is nothing to go back to",
                    connector.name);
    if (told_change.empty())
        return fail(ErrorCode::invalid, "the settings of connector {} are those under which it worked", connector.name);
    MEDIC_TRY(Change change, read(told_change, connector.name));
    for (const std::string& settings : {change.from, change.to})
        if (view.quarantined.contains({to_string(connector), settings}))
            return fail(ErrorCode::invalid,
                        "the settings {} of connector {} were rolled back before: a person must say which are right",
                        settings, connector.name);
    if (change.changed_at.unix_ms == 0)
        return fail(ErrorCode::invalid, "the settings of connector {} were changed while nobody looked",
                    connector.name);
    if (!change.worked)
        return fail(ErrorCode::invalid, "connector {} did not run before its settings were changed", connector.name);
    // The first failure of an episode counts, also where it ran in between: it may be the old trouble that goes on.
    if (diagnosis.since < change.changed_at - look_skew)
        return fail(ErrorCode::invalid, "the settings of connector {} were changed after it had begun to fail",
                    connector.name);
    if (diagnosis.since - change.changed_at > suspect_for)
        return fail(ErrorCode::invalid, "the settings of connector {} were changed {} min before its failure",
                    connector.name, (diagnosis.since - change.changed_at).count() / 60'000);
    return change;
}

std::string names_of(const auto& names) {
    std::string list;
    for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
    return list;
}

std::vector<std::string> names(const Settings& settings) {
    std::vector<std::string> all;
    for (const auto& [name, value] : settings) all.push_back(name);
    return all;
}

// Every value of both ways is kept in clear by rule; a record that says otherwise is not acted on.
bool in_clear(const Settings& settings) {
    return std::ranges::all_of(settings,
                               [](const auto& one) { return !one.second || may_be_kept(one.first, *one.second); });
}

Status within_reach(const Change& change, const Subject& connector) {
    if (!change.withheld.empty() || !in_clear(change.back) || !in_clear(change.forth))
        return fail(ErrorCode::invalid,
                    "of connector {} a setting was changed that may hold a secret ({}), and the agent keeps none: a "
                    "person must change it back",
                    connector.name, names_of(change.withheld));
    if (!change.withheld_known)
        return fail(ErrorCode::invalid,
                    "whether a secret of connector {} was changed is not known since the agent was started: a person "
                    "must change it back",
                    connector.name);
    if (change.back.empty())
        return fail(ErrorCode::invalid, "nothing of connector {} was changed that could be changed back",
                    connector.name);
    return {};
}

Result<Plan> plan(const Diagnosis& diagnosis, const PlanningView& view) {
    MEDIC_TRY(const std::string name, parameter(diagnosis, "connector"));
    const Subject connector = connector_in(diagnosis);
    MEDIC_TRY(const Change change, suspect(diagnosis, view, connector));
    MEDIC_CHECK(within_reach(change, connector));

    Plan result;
    const std::string changed = names_of(names(change.back));
    result.summary =
        fmt::format("{} fails since {} was changed: change it back to how {} last worked", name, changed, name);
    if (change.changes > 1)
        result.needs_approval =
            fmt::format("its settings were changed {} times since it last worked for long: all of that is taken back",
                        change.changes);
    result.quarantine = Quarantine{connector.cluster, to_string(connector), change.from};
    Step back = change_settings(connector, {.values = change.back, .from = change.from, .to = change.to});
    back.text = fmt::format("change {} of {} back", changed, name);
    back.undo = "put back the settings that stood there";
    result.steps = {back, restart_what_is_failed(connector, change.to)};
    Step forth = change_settings(connector, {.values = change.forth, .from = change.to, .to = change.from});
    forth.text = fmt::format("put back what stood in {} of {}", changed, name);
    forth.undo = "change it back to how it last worked";
    result.undo_steps = {forth};
    return result;
}

}  // namespace

Remedy descriptor() {
    return {.name = "connect.roll-back-configuration",
            .what = "changes a connector's settings back to those under which it last worked",
            .destroys = Destroys::availability,
            .cures = {{"connect.converter-mismatch", 2},
                      {"connect.credentials-wrong", 2},
                      {"connect.database-permission", 2},
                      {"connect.not-authorized", 2},
                      {"connect.option-invalid", 2},
                      {"connect.option-missing", 2},
                      {"connect.plugin-missing", 2},
                      {"connect.record-too-large", 2},
                      {"connect.statement-rejected", 2},
                      {"connect.table-missing", 2},
                      {"connect.tls-misconfigured", 2},
                      {"connect.topic-missing", 2},
                      {"connect.transform-mismatch", 2}},
            .needs = needs,
            .plan = plan};
}

}  // namespace medic::remedies::connect_roll_back_configuration
