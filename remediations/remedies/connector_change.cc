#include "remediations/remedies/connector_change.h"

#include <nlohmann/json.hpp>

#include "agent/base/connector_settings.h"

namespace medic::remedies {
namespace {

using Json = nlohmann::json;

// A worker takes a changed configuration up within a moment; its group may rebalance for longer.
constexpr Duration taken_up_within{60'000}, settled_for{5'000};

FactKey settings_of(const Subject& connector) { return {connector, "settings"}; }

Result<ConnectorSettings> settings_now(const PlanningView& view, const Subject& connector) {
    const Json document = Json::parse(told(view, settings_of(connector)), nullptr, false);
    ConnectorSettings settings;
    try {
        settings.kept = document.at("kept").get<std::map<std::string, std::string>>();
        settings.withheld = document.at("withheld").get<std::set<std::string>>();
    } catch (const Json::exception&) {
        return fail(ErrorCode::not_ready, "the settings of connector {} are not known", connector.name);
    }
    if (hash_of(settings) != told(view, configuration_of(connector)))
        return fail(ErrorCode::not_ready, "the settings of connector {} are just being changed", connector.name);
    return settings;
}

}  // namespace

FactKey configuration_of(const Subject& connector) { return {connector, "configuration"}; }

std::vector<FactKey> connector_facts(const Subject& connector) {
    return {configuration_of(connector), settings_of(connector), {connector, "type"}};
}

Status must_be_sink(const PlanningView& view, const Subject& connector, std::string_view what_for) {
    const std::string type = told(view, {connector, "type"});
    if (type.empty()) return fail(ErrorCode::not_ready, "whether connector {} is a sink is not known", connector.name);
    if (type != "sink")
        return fail(ErrorCode::invalid, "connector {} is no sink: only sinks {}", connector.name, what_for);
    return {};
}

Result<std::optional<std::string>> setting(const PlanningView& view, const Subject& connector,
                                           const std::string& name) {
    MEDIC_TRY(const ConnectorSettings now, settings_now(view, connector));
    const auto found = now.kept.find(name);
    return found == now.kept.end() ? std::nullopt : std::optional(found->second);
}

Result<ConnectorChange> connector_change(const PlanningView& view, const Subject& connector, ConnectorValues set) {
    MEDIC_TRY(const ConnectorSettings now, settings_now(view, connector));
    ConnectorSettings after = now;
    ConnectorChange change{.set = std::move(set), .back = {}, .from = hash_of(now), .to = {}};
    for (const auto& [name, value] : change.set) {
        if (now.withheld.contains(name) || (value && !may_be_kept(name, *value)))
            return fail(ErrorCode::invalid, "{} of connector {} may hold a secret: a person must set it", name,
                        connector.name);
        const auto before = now.kept.find(name);
        change.back[name] = before == now.kept.end() ? std::nullopt : std::optional(before->second);
        after.kept.erase(name);
        if (value) after.kept[name] = *value;
    }
    change.to = hash_of(after);
    return change;
}

Step change_settings(const Subject& connector, const SettingsStep& change) {
    Step step{.subject = connector,
              .operation = ChangeConnectorConfiguration{
                  .connector = connector.name, .set = change.values, .from = change.from, .to = change.to}};
    step.timeout = Duration{20'000};
    step.idempotent = true;
    step.precondition = {text_in(connector, "configuration", {change.from})};
    step.done = {text_in(connector, "configuration", {change.to})};
    step.expectation = {.all = step.done, .within = taken_up_within, .stable_for = settled_for};
    step.destroys = Destroys::availability;
    return step;
}

Step restart_what_is_failed(const Subject& connector, const std::string& configuration) {
    Step step{.subject = connector,
              .text = "restart what is still failed of " + connector.name,
              .operation = RestartConnector{.connector = connector.name, .include_tasks = true, .only_failed = true}};
    step.idempotent = true;
    step.precondition = {text_in(connector, "configuration", {configuration})};
    step.done = {text_in(connector, "state_of_all", {"RUNNING", "RESTARTING", "UNASSIGNED"})};
    step.expectation.all = {text_in(connector, "configuration", {configuration}),
                            text_in(connector, "state_of_all", {"RUNNING"})};
    step.expectation.within = task_runs_within;
    step.expectation.stable_for = task_runs_for;
    step.undo = "put back the settings that stood there";
    step.risk = Risk::reversible;
    step.compatible_with = {"planned deploy"};  // As which the change before it is told.
    return step;
}

}  // namespace medic::remedies
