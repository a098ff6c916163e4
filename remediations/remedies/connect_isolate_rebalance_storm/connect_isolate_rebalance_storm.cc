#include "remediations/remedies/parts.h"

// A connector makes its workers rebalance again and again, and all others stand with it: it is stopped, by itself, and
// the others settle. Where a worker does not know how to stop one (before Connect 3.5, KIP-875), it is paused: its
// tasks keep their places and do nothing. What changes it all the time only its team can end; then it is resumed.
namespace medic::remedies::connect_isolate_rebalance_storm {
namespace {

constexpr Duration settles_within{2 * 60'000}, settled_for{20'000};

Subject connector_of(const Diagnosis& diagnosis) { return diagnosis.subject; }

std::vector<FactKey> needs(const Diagnosis& diagnosis, const PlanningView&) {
    return {{connector_of(diagnosis), "connect_connector_state"}};
}

Step isolate(const Diagnosis& diagnosis, bool can_be_stopped) {
    const Subject connector = connector_of(diagnosis);
    Step step{.subject = connector,
              .text = fmt::format("{} {}: its changes make all others stand", can_be_stopped ? "stop" : "pause",
                                  connector.name)};
    if (can_be_stopped)
        step.operation = StopConnector{connector.name};
    else
        step.operation = PauseConnector{connector.name};
    step.idempotent =
        true;  // In the middle of a rebalance workers refuse (HTTP status 409): it may take several tries.
    step.object = "connector:" + connector.name;
    step.precondition = {text_not_in(connector, "connect_connector_state", {"STOPPED", "PAUSED"})};
    step.done = {text_in(connector, "connect_connector_state", {can_be_stopped ? "STOPPED" : "PAUSED"})};
    step.expectation = {.all = step.done, .within = settles_within, .stable_for = settled_for};
    // The others are what it is done for.
    const std::string others = parameter(diagnosis, "others").value_or("");
    for (const auto other : split(others, ','))
        step.expectation.all.push_back(
            text_in(subject_in(diagnosis, "connector", std::string(other)), "state_of_all", {"RUNNING"}));
    step.undo = "resume the connector";
    step.risk = Risk::disruptive;
    step.destroys = Destroys::availability;
    step.compatible_with = {"planned deploy", "rebalance"};  // Its own changes are seen as deployments of it.
    return step;
}

Step resume(const Diagnosis& diagnosis) {
    const Subject connector = connector_of(diagnosis);
    Step step{.subject = connector, .text = "resume " + connector.name, .operation = ResumeConnector{connector.name}};
    step.idempotent = true;
    step.object = "connector:" + connector.name;
    step.precondition = {text_in(connector, "connect_connector_state", {"STOPPED", "PAUSED", "RUNNING"})};
    step.done = {text_in(connector, "connect_connector_state", {"RUNNING"})};
    step.skip_if = step.done;
    step.expectation = {.all = step.done, .within = settles_within};
    step.undo = "stop the connector";
    step.risk = Risk::reversible;
    step.compatible_with = {"planned deploy", "planned stop", "rebalance"};
    return step;
}

Result<Plan> plan(const Diagnosis& diagnosis, const PlanningView& view) {
    const Subject connector = connector_of(diagnosis);
    const std::string state = told(view, {connector, "connect_connector_state"});
    if (state.empty()) return fail(ErrorCode::not_ready, "the state of connector {} is not known", connector.name);
    if (state == "STOPPED" || state == "PAUSED")
        return fail(ErrorCode::invalid, "connector {} is {} already: the rebalances have another reason",
                    connector.name, state);
    MEDIC_TRY(const std::string stoppable, parameter(diagnosis, "can_be_stopped"));
    MEDIC_TRY(const std::string rebalances, parameter(diagnosis, "rebalances"));
    Plan result;
    result.summary = fmt::format("{} has made its workers rebalance {} times: isolate it, and let the others settle",
                                 connector.name, rebalances);
    result.steps = {isolate(diagnosis, stoppable == "true")};
    result.undo_steps = {resume(diagnosis)};
    result.left_to_person = fmt::format(
        "{} is isolated; end what changes or fails it again and again, then resume it: PUT /connectors/{}/resume",
        connector.name, connector.name);
    result.over_when = {text_in(connector, "connect_connector_state", {"RUNNING"})};
    return result;
}

}  // namespace

Remedy descriptor() {
    return {
        .name = "connect.isolate-rebalance-storm",
        .what = "stops (before Connect 3.5: pauses) the one connector that makes its workers rebalance all the time",
        .destroys = Destroys::availability,
        .cures = {{"connect.rebalance-storm", 2}},
        .needs = needs,
        .plan = plan};
}

}  // namespace medic::remedies::connect_isolate_rebalance_storm
